//! The application over a real database, with a gateway that writes down what it is asked.

mod endpoints;
mod frames;
mod live;
mod users;

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use app::{Action, App, Description, Gateway, Message, Post, Selection, Visitor};
use async_trait::async_trait;
use proto::{
    ChannelName, Code, ConnId, Epoch, Identity, Offset, Placed, Refusal, UnixTime, UserId,
};
use serde_json::{Map, Value, json};

use crate::Notifications;

/// The seeded people by the names the stories use.
const ADA_ADMIN: i64 = 1;
const ALAN_ADVISOR: i64 = 3;
const GRACE_ADVISOR: i64 = 4;
const SAM_STUDENT: i64 = 5;
const TESS_STUDENT: i64 = 6;
const UMA_STUDENT: i64 = 7;

struct World {
    app: Arc<Notifications>,
    gateway: Arc<Recorder>,
    dir: PathBuf,
}

impl World {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::in_dir(env::temp_dir().join(format!("notifications-{}-{count}", process::id())), true)
    }

    /// As it is without `--dev`: tokens are all there is.
    fn unseeded() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("notifications-empty-{}-{count}", process::id()));
        Self::in_dir(dir, false)
    }

    fn in_dir(dir: PathBuf, seed: bool) -> Self {
        let gateway = Arc::new(Recorder::default());
        let app = Notifications::open(&dir, gateway.clone(), seed).unwrap();
        Self { app, gateway, dir }
    }

    /// Changes the database behind the application's back, as a user administration would.
    async fn meanwhile(&self, sql: &'static str) {
        self.app.store().ask(move |db| db.execute_batch(sql)).await.unwrap();
    }

    async fn admit(&self, user: i64, path: &str) -> String {
        match self.app.admit(&visitor(user, path)).await {
            Ok(()) => "admitted".to_owned(),
            Err(refusal) => refusal.code.to_string(),
        }
    }

    async fn connect(&self, user: i64, path: &str) -> String {
        told(&self.app.connected(&visitor(user, path)).await)
    }

    async fn leave(&self, user: i64, path: &str) -> String {
        told(&self.app.disconnected(&visitor(user, path)).await)
    }

    async fn say(&self, user: i64, path: &str, text: &str) -> String {
        let message = Message::Text(text.into());
        told(&self.app.message(&visitor(user, path), message).await)
    }

    /// The titles of the first list frame among what was told.
    async fn unread(&self, user: i64) -> Vec<String> {
        let actions = self.app.connected(&visitor(user, "notifications")).await;
        let Some(Action::Reply(Message::Text(text))) = actions.first() else {
            panic!("no list first: {actions:?}")
        };
        let frame: Value = serde_json::from_str(text).unwrap();
        assert_eq!(frame["type"], "notifications_list");
        let listed = frame["data"].as_array().unwrap().iter();
        listed.map(|it| it["title"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A leftover directory is no reason to fail.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// `path` is the route's name, and after a slash what it captured.
fn visitor(user: i64, path: &str) -> Visitor {
    let (route, captured) = path.split_once('/').unwrap_or((path, ""));
    let name = if route == "projects" { "id" } else { "room" };
    visitor_with(&claims(user), route, &[(name.into(), captured.into())])
}

fn visitor_with(claims: &Value, route: &str, captures: &[(Arc<str>, Arc<str>)]) -> Visitor {
    Visitor {
        conn: ConnId::new(0, 0),
        identity: Some(Arc::new(identity(claims))),
        route: route.into(),
        captures: captures.into(),
        address: [192, 0, 2, 1].into(),
        auth: None,
        namespace: None,
        recovered: None,
    }
}

fn claims(user: i64) -> Value {
    let role = match user {
        1 => "Admin",
        2 => "DepartmentAdmin",
        3 | 4 => "Advisor",
        _ => "Student",
    };
    json!({ "user_id": user, "role": role })
}

fn identity(claims: &Value) -> Identity {
    Identity {
        user: UserId::parse(claims["user_id"].to_string().trim_matches('"')).unwrap(),
        expires_at: UnixTime(0),
        issued_at: claims["iat"].as_u64().map(UnixTime),
        token_id: None,
        claims: claims.to_string().into(),
    }
}

/// One action a line, JSON spread out below it.
fn told(actions: &[Action]) -> String {
    actions.iter().map(one_told).collect()
}

fn one_told(action: &Action) -> String {
    match action {
        Action::Reply(Message::Text(text)) => format!("reply {}\n", settled(text)),
        Action::Reply(Message::Binary(_)) => "reply in binary\n".to_owned(),
        Action::Reply(Message::Event { name, .. }) => format!("reply with event {name}\n"),
        Action::Reply(Message::Answer { .. }) | Action::Acknowledge { .. } => "answer\n".to_owned(),
        Action::Publish { channel, payload, except, event: _, reach: _ } => {
            let except = except.as_ref().map(|it| format!(" except {it}")).unwrap_or_default();
            format!("publish to {channel}{except} {}\n", settled(payload))
        }
        Action::Join(channel) => format!("join {channel}\n"),
        Action::Leave(channel) => format!("leave {channel}\n"),
        Action::Close(refusal) => format!("close {} {}\n", refusal.code, refusal.message()),
    }
}

/// JSON laid out, with what differs from run to run replaced.
fn settled(text: &str) -> String {
    fn settle(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), &value) {
                        ("timestamp" | "created_at", Value::String(text)) => {
                            assert!(text.ends_with('Z') && text.len() == 24, "{text}");
                            *value = "now".into();
                        }
                        ("timestamp", Value::Number(seconds)) => {
                            assert!(seconds.is_f64());
                            *value = 0.5.into();
                        }
                        ("system_load", Value::Number(_)) => *value = 0.25.into(),
                        _ => settle(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(settle),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap();
    settle(&mut value);
    format!("{value:#}")
}

/// Stands where the gateway stands: tokens are claims as JSON, publications are written down.
#[derive(Default)]
struct Recorder {
    posts: Mutex<Vec<Post>>,
    /// Publications wait while a test holds it.
    way: tokio::sync::Mutex<()>,
    /// What every channel is said to have.
    members: AtomicUsize,
    /// Whose connections were ended, and why.
    ended: Mutex<Vec<String>>,
}

impl Recorder {
    fn ended(&self) -> Vec<String> {
        std::mem::take(&mut *self.ended.lock().unwrap())
    }

    fn posts(&self) -> String {
        let posts = std::mem::take(&mut *self.posts.lock().unwrap());
        let line = |it: &Post| format!("{} {}\n", it.channel, settled(&it.payload));
        posts.iter().map(line).collect()
    }
}

#[async_trait]
impl Gateway for Recorder {
    async fn publish(&self, post: Post) -> Result<Placed, Refusal> {
        drop(self.way.lock().await);
        self.posts.lock().unwrap().push(post);
        Ok(Placed { epoch: Epoch(1), offset: Offset(1) })
    }

    async fn signal(&self, _post: Post) -> Result<(), Refusal> {
        unreachable!("nothing is signalled here")
    }

    async fn describe(&self, _channel: ChannelName) -> Result<Description, Refusal> {
        Ok(Description { members: self.members.load(Ordering::Relaxed), head: None })
    }

    async fn disconnect(&self, whom: Selection, why: Refusal) -> Result<usize, Refusal> {
        let Selection::User(user) = whom else { panic!("not expected: {whom:?}") };
        self.ended.lock().unwrap().push(format!("{user} {}", why.code));
        Ok(1)
    }

    async fn canary(&self, _patience: Duration) -> bool {
        true
    }

    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal> {
        assert_eq!(route, "notifications");
        let claims: Value = serde_json::from_str(token).map_err(|_| Code::InvalidToken)?;
        Ok(Arc::new(identity(&claims)))
    }

    fn mint(&self, _claims: Map<String, Value>, _lifetime: Duration) -> Option<String> {
        None
    }
}
