//! Stories over the real database, with a gateway that writes down what it is asked to do.
//!
//! Time stands still in them, except where everybody waits: then it jumps to the next timer.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use app::{Action, App, Description, Gateway, Message, Post, Selection, Visitor};
use async_trait::async_trait;
use proto::{
    ChannelName, Code, ConnId, Epoch, Identity, Offset, Placed, Refusal, UnixTime, UserId,
};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, mpsc};

use crate::{
    checkins::Checkins,
    moment::{Moment, uuid},
};

mod away;
mod house;
mod page;
mod rest;
mod spelling;
mod stories;
mod users;

/// 2026-03-02T12:00:00Z, a Monday.
const NOON: i64 = 1_772_452_800_000;

const ADMIN: &str = "1001";
const STAFF: &str = "1002";
const TRAINER: &str = "1003";
const MEMBER: &str = "1004";

/// A gym as seeded, at noon, with its gateway.
struct World {
    app: Arc<Checkins>,
    gateway: Arc<Recorder>,
    told: mpsc::Receiver<Arc<str>>,
    now: Arc<AtomicI64>,
    dir: Dir,
    /// Ids in the order in which they were first seen, so that stories can name them.
    seen: Vec<String>,
}

impl World {
    fn new() -> Self {
        let dir = Dir(std::env::temp_dir().join(format!("checkins-{}", uuid())));
        Self::in_dir(dir, true)
    }

    /// A gym as it is without `--dev`: tokens are all there is.
    fn unseeded() -> Self {
        Self::in_dir(Dir(std::env::temp_dir().join(format!("checkins-{}", uuid()))), false)
    }

    fn in_dir(dir: Dir, seed: bool) -> Self {
        let (gateway, told) = Recorder::new();
        let now = Arc::new(AtomicI64::new(NOON));
        let app = open_seeded(&dir, &gateway, &now, seed);
        Self { app, gateway, told, now, dir, seen: Vec::new() }
    }

    /// Everyone is out, as at opening time, and nobody has come today.
    async fn empty() -> Self {
        let world = Self::new();
        world.write("DELETE FROM check_ins").await;
        world
    }

    async fn write(&self, sql: &'static str) {
        self.app.book.ask(move |db| db.execute_batch(sql)).await.unwrap();
    }

    fn minutes_pass(&self, minutes: i64) {
        self.now.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }

    /// What comes of a message: a line for each action, in order.
    async fn says(&mut self, user: &str, text: &str) -> Vec<String> {
        let message = Message::Text(self.with_ids(text).into());
        let actions = self.app.message(&visitor(user), message).await;
        assert!(self.told.try_recv().is_err(), "something was told before the pause");
        actions.iter().map(|it| self.line(it)).collect()
    }

    async fn connects(&mut self, user: &str) -> Vec<String> {
        let actions = self.app.connected(&visitor(user)).await;
        actions.iter().map(|it| self.line(it)).collect()
    }

    /// What everyone is told after the pause, up to and with the last frame of it.
    async fn follows(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let payload = self.told.recv().await.unwrap();
            lines.push(format!("all < {}", self.plain(&payload)));
            if payload.starts_with(r#"{"type":"stats_update""#) {
                return lines;
            }
        }
    }

    fn line(&mut self, action: &Action) -> String {
        match action {
            Action::Reply(Message::Text(text)) => format!("you < {}", self.plain(text)),
            Action::Publish { channel, payload, except: None, event: None, reach: _ } => {
                assert_eq!(channel.as_str(), "checkins");
                format!("all < {}", self.plain(payload))
            }
            Action::Close(refusal) => format!("close {}", refusal.code),
            Action::Reply(_)
            | Action::Acknowledge { .. }
            | Action::Publish { .. }
            | Action::Join(_)
            | Action::Leave(_) => {
                panic!("not expected: {action:?}")
            }
        }
    }

    /// Ids become `#1`, `#2`… in the order in which they are first seen.
    fn plain(&mut self, text: &str) -> String {
        let parts = text.split('"').map(|part| {
            let is_id = part.len() == 36 && part.bytes().filter(|it| *it == b'-').count() == 4;
            if !is_id {
                return part.to_owned();
            }
            let known = self.seen.iter().position(|it| it == part);
            let index = known.unwrap_or_else(|| {
                self.seen.push(part.to_owned());
                self.seen.len() - 1
            });
            format!("#{}", index + 1)
        });
        parts.collect::<Vec<_>>().join("\"")
    }

    /// The other way: `#1` becomes the id first seen.
    fn with_ids(&self, text: &str) -> String {
        let parts = text.split('"').map(|part| {
            let index = part.strip_prefix('#').and_then(|it| it.parse::<usize>().ok());
            index.map_or(part, |it| self.seen[it - 1].as_str())
        });
        parts.collect::<Vec<_>>().join("\"")
    }
}

fn open(dir: &Dir, gateway: &Arc<Recorder>, now: &Arc<AtomicI64>) -> Arc<Checkins> {
    open_seeded(dir, gateway, now, true)
}

fn open_seeded(
    dir: &Dir,
    gateway: &Arc<Recorder>,
    now: &Arc<AtomicI64>,
    seed: bool,
) -> Arc<Checkins> {
    let now = now.clone();
    let clock = Arc::new(move || Moment(now.load(Ordering::Relaxed)));
    Checkins::open_by(&dir.0, gateway.clone(), seed, clock).unwrap()
}

fn visitor(user: &str) -> Visitor {
    Visitor {
        conn: ConnId::new(1, 0),
        identity: Some(identity(user)),
        route: "checkins".into(),
        captures: Arc::new([]),
        address: [127, 0, 0, 1].into(),
        auth: None,
        namespace: None,
        recovered: None,
    }
}

/// Of a user, or of a user with more in the token: `7 {"role":"staff","iat":1700000000}`.
fn identity(token: &str) -> Arc<Identity> {
    let (user, claims) = token.split_once(' ').unwrap_or((token, "{}"));
    let said: Value = serde_json::from_str(claims).unwrap();
    Arc::new(Identity {
        user: UserId::parse(user).unwrap(),
        expires_at: UnixTime(4_000_000_000),
        issued_at: said["iat"].as_u64().map(UnixTime),
        token_id: None,
        claims: claims.into(),
    })
}

/// A frame without its `you < ` or `all < `.
fn frame(line: &str) -> Value {
    serde_json::from_str(line.split_once(" < ").unwrap().1).unwrap()
}

/// As many as ever publish at once.
const WAY: usize = 1000;

/// The gateway as the application sees it. A token is good if it reads `token of <user>`.
struct Recorder {
    told: mpsc::Sender<Arc<str>>,
    refusing: Mutex<Option<Code>>,
    /// One permit a publication; taken away, publications wait.
    way: Semaphore,
    /// Whose connections were ended, and why.
    ended: Mutex<Vec<String>>,
}

impl Recorder {
    fn new() -> (Arc<Self>, mpsc::Receiver<Arc<str>>) {
        let (told, hears) = mpsc::channel(2000);
        (
            Arc::new(Self {
                told,
                refusing: Mutex::default(),
                way: Semaphore::new(WAY),
                ended: Mutex::default(),
            }),
            hears,
        )
    }

    fn refuses(&self, code: Option<Code>) {
        *self.refusing.lock().unwrap() = code;
    }
}

#[async_trait]
impl Gateway for Recorder {
    async fn publish(&self, post: Post) -> Result<Placed, Refusal> {
        assert_eq!((post.channel.as_str(), post.from, post.except), ("checkins", None, None));
        drop(self.way.acquire().await.unwrap());
        if let Some(code) = *self.refusing.lock().unwrap() {
            return Err(code.into());
        }
        self.told.try_send(post.payload).unwrap();
        Ok(Placed { epoch: Epoch(1), offset: Offset(1) })
    }

    async fn signal(&self, _post: Post) -> Result<(), Refusal> {
        unreachable!("nothing is signalled here")
    }

    async fn describe(&self, _channel: ChannelName) -> Result<Description, Refusal> {
        Err(Code::Busy.into())
    }

    async fn disconnect(&self, whom: Selection, why: Refusal) -> Result<usize, Refusal> {
        let Selection::User(user) = whom else { panic!("not expected: {whom:?}") };
        self.ended.lock().unwrap().push(format!("{user} {}", why.code));
        Ok(1)
    }

    async fn canary(&self, _patience: Duration) -> bool {
        false
    }

    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal> {
        assert_eq!(route, "checkins");
        Ok(identity(token.strip_prefix("token of ").ok_or(Code::InvalidToken)?))
    }

    fn mint(&self, _claims: Map<String, Value>, _lifetime: Duration) -> Option<String> {
        None
    }
}

/// A directory that goes when the test does.
struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        // Nothing to be done about a directory that will not go.
        let _ = fs::remove_dir_all(&self.0);
    }
}
