//! A front on a loopback port, a gateway that records, and a client that speaks bytes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use app::{
    App, Description, Exchanged, Gateway, Logs, Message, Post, Reading, Register, RevocationView,
    Revoke, Revoked, Selection, SessionView, Subject, Visitor, Which,
};
use async_trait::async_trait;
use axum::{
    body::Bytes,
    http::header,
    response::Html,
    routing::{get, post},
};
use limits::{BackoffRules, Counts};
use monitor::{Build, Monitor};
use proto::{
    Action, ChannelName, Code, Cursor, Epoch, Identity, Kind, LogHead, Offset, Page, Person,
    Placed, Publication, Reader, Refusal, Roll, SessionId, Status, UnixMillis, UnixTime, UserId,
    Who,
};
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    AdminRule, ApiKeys, Bounds, Claimed, Handoff, KeyRow, MetricsAccess, PageLink, Parts, Scope,
    Stream, router, serve,
};

pub(crate) const PUBLISHER: &str = "publisher-key-0123456789-0123456789";
pub(crate) const READER: &str = "reader-key-0123456789-0123456789-01";
pub(crate) const ADMIN: &str = "admin-key-0123456789-0123456789-012";

/// Writes down what it is asked.
pub(crate) struct Recorder {
    /// Publications asked for, whether they came about or not.
    pub(crate) asked: AtomicUsize,
    pub(crate) posts: Mutex<Vec<Post>>,
    pub(crate) disconnects: Mutex<Vec<(Selection, Refusal)>>,
    pub(crate) ended: Mutex<Vec<Which>>,
    pub(crate) revoked: Mutex<Vec<Revoke>>,
    /// Publishing waits for one of these.
    pub(crate) may_publish: Semaphore,
    pub(crate) is_busy: AtomicBool,
    pub(crate) canaries: AtomicUsize,
    pub(crate) canary_returns: AtomicBool,
    /// Canaries wait for one of these.
    pub(crate) may_sing: Semaphore,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            asked: AtomicUsize::new(0),
            posts: Mutex::default(),
            disconnects: Mutex::default(),
            ended: Mutex::default(),
            revoked: Mutex::default(),
            may_publish: Semaphore::new(1_000_000),
            is_busy: AtomicBool::new(false),
            canaries: AtomicUsize::new(0),
            canary_returns: AtomicBool::new(true),
            may_sing: Semaphore::new(1_000_000),
        }
    }
}

#[async_trait]
impl Logs for Recorder {
    async fn history(&self, reading: Reading) -> Result<Page, Refusal> {
        let Reading { channel, span, epoch, limit } = reading;
        if channel.as_str() == "lobby" {
            return Err(Code::NoLog.into());
        }
        let at = Placed { epoch: epoch.unwrap_or(Epoch(0xbeef)), offset: Offset(7) };
        let message = |offset| {
            Arc::new(Publication {
                channel: channel.clone(),
                kind: Kind::Message(Placed { offset: Offset(offset), ..at }),
                from: UserId::parse("ann"),
                except: None,
                except_conn: None,
                payload: format!("[\"{span:?}\", {limit}, 1.0]").into(),
                event: None,
                time: UnixMillis(1_900_000_000_125),
            })
        };
        let head = LogHead { at, first: Offset(3) };
        Ok(Page { head, messages: vec![message(6), message(7)] })
    }

    async fn cursor(&self, _: ChannelName, reader: Reader) -> Result<(Cursor, u64), Refusal> {
        let delivered = Offset(if reader.device.is_some() { 6 } else { 5 });
        Ok((Cursor { delivered, read: Offset(4) }, 3))
    }

    async fn presence(&self, channel: ChannelName, who: Who) -> Result<Roll, Refusal> {
        if channel.as_str() == "lobby" {
            return Err(Code::NoPresence.into());
        }
        // Whom it was asked after is whom it tells of.
        let (user, since, count) = match who {
            Who::All { after, limit } => (after, Some(UnixMillis(1_900_000_000_125)), limit),
            Who::User(user) => (Some(user), None, 0),
        };
        let person = Person {
            user: user.or_else(|| UserId::parse("ann")).unwrap(),
            status: Status::Away,
            since,
            last_seen: since.is_none().then_some(UnixMillis(1_899_999_999_500)),
            connections: 2,
        };
        Ok(Roll { users: vec![person], count: count.into(), connections: 3 })
    }

    async fn erase(&self, channel: ChannelName) -> Result<(), Refusal> {
        match channel.as_str() {
            "lobby" => Err(Code::StoreUnavailable.into()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Gateway for Recorder {
    async fn publish(&self, post: Post) -> Result<Placed, Refusal> {
        self.asked.fetch_add(1, SeqCst);
        self.may_publish.acquire().await.unwrap().forget();
        if self.is_busy.load(SeqCst) {
            return Err(Refusal::new(Code::Busy).after(Duration::from_millis(1500)));
        }
        let mut posts = self.posts.lock().unwrap();
        posts.push(post);
        Ok(Placed { epoch: Epoch(0xbeef), offset: Offset(posts.len() as u64) })
    }

    async fn signal(&self, _post: Post) -> Result<(), Refusal> {
        unreachable!("nothing is signalled here")
    }

    async fn describe(&self, channel: ChannelName) -> Result<Description, Refusal> {
        let head = Some(Placed { epoch: Epoch(0xbeef), offset: Offset(7) });
        Ok(match channel.as_str() {
            "den/a:b" => Description { members: 3, head },
            _ => Description { members: 0, head: None },
        })
    }

    async fn disconnect(&self, whom: Selection, why: Refusal) -> Result<usize, Refusal> {
        self.disconnects.lock().unwrap().push((whom, why));
        Ok(2)
    }

    async fn canary(&self, _patience: Duration) -> bool {
        self.canaries.fetch_add(1, SeqCst);
        self.may_sing.acquire().await.unwrap().forget();
        self.canary_returns.load(SeqCst)
    }

    /// Tokens are the claims themselves.
    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal> {
        assert_eq!(route, "notifications");
        serde_json::from_str::<Map<String, Value>>(token).map_err(|_| Code::InvalidToken)?;
        Ok(Arc::new(Identity {
            user: UserId::parse("1").unwrap(),
            expires_at: UnixTime(u64::MAX),
            issued_at: None,
            token_id: None,
            claims: token.into(),
        }))
    }

    fn mint(&self, _claims: Map<String, Value>, _lifetime: Duration) -> Option<String> {
        None
    }
}

/// Ann has two sessions: the one on her phone is away.
#[async_trait]
impl Register for Recorder {
    async fn sessions(&self, which: Which) -> Vec<SessionView> {
        let ann = UserId::parse("ann").unwrap();
        let live = SessionView {
            id: SessionId(1),
            user: ann.clone(),
            device: None,
            agent: Some("Tide/1.0".into()),
            address: IpAddr::from([198, 51, 100, 1]),
            route: "chat".into(),
            created_at: UnixTime(100),
            last_active: UnixTime(300),
            is_live: true,
            until: None,
        };
        let away = SessionView {
            id: SessionId(2),
            device: Some("phone".into()),
            last_active: UnixTime(200),
            is_live: false,
            until: Some(UnixTime(260)),
            ..live.clone()
        };
        let is_meant = |it: &SessionView| match &which {
            Which::One(id) => it.id == *id,
            Which::Of { user, device } => {
                it.user == *user && (device.is_none() || it.device == *device)
            }
        };
        [live, away].into_iter().filter(is_meant).collect()
    }

    async fn end_sessions(&self, which: Which) -> Result<usize, Refusal> {
        let count = self.sessions(which.clone()).await.len();
        self.ended.lock().unwrap().push(which);
        Ok(count)
    }

    async fn revoke(&self, revoke: Revoke) -> Result<Revoked, Refusal> {
        if self.is_busy.load(SeqCst) {
            return Err(Code::StoreUnavailable.into());
        }
        let expires_at = revoke.expires_at.unwrap_or(UnixTime(2_592_000));
        self.revoked.lock().unwrap().push(revoke);
        Ok(Revoked { closed: 3, expires_at })
    }

    async fn revocations(&self, most: usize) -> (Vec<RevocationView>, usize) {
        assert_eq!(most, 1000);
        let times = (UnixTime(100), UnixTime(200));
        let view = |subject, reason: Option<&str>| RevocationView {
            subject,
            reason: reason.map(str::to_owned),
            revoked_at: times.0,
            expires_at: times.1,
        };
        let issued_before = Some(UnixTime(5));
        let user = Subject::User { user: UserId::parse("ann").unwrap(), issued_before };
        (vec![view(Subject::Token("t-1".into()), Some("lost")), view(user, None)], 2)
    }

    /// A good token names what it is to be exchanged for.
    async fn exchange(&self, token: &str) -> Result<Option<Exchanged>, Refusal> {
        match token {
            "foreign" => Ok(None),
            "over" => Err(Code::TokenExpired.into()),
            _ => {
                let newer = token.strip_prefix("good-").ok_or(Code::InvalidToken)?;
                let expires_in = Duration::from_secs(900);
                Ok(Some(Exchanged { token: newer.to_owned(), expires_in }))
            }
        }
    }
}

/// An application with the endpoints that go wrong.
struct Trouble {
    may_finish: Arc<Semaphore>,
}

#[async_trait]
impl App for Trouble {
    async fn message(&self, _visitor: &Visitor, _message: Message) -> Vec<Action> {
        Vec::new()
    }

    fn routes(self: Arc<Self>) -> axum::Router {
        let finish = || async move {
            self.may_finish.acquire().await.unwrap().forget();
            "finished"
        };
        axum::Router::new()
            .route("/page", get(|| async { Html("<script nonce=\"{{nonce}}\"></script>") }))
            .route("/lax-page", get(|| async { (LAX, Html("<p>{nonce}</p>")) }))
            .route("/boom", get(boom))
            .route("/hang", get(std::future::pending::<&'static str>))
            .route("/finish", get(finish))
            .route("/big", get(|| async { vec![b'x'; BIG] }))
            .route("/count", post(|body: Bytes| async move { body.len().to_string() }))
    }
}

pub(crate) const BIG: usize = 5_000_000;

/// What an application might say, and must not get through with.
const LAX: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_SECURITY_POLICY, "default-src *"),
    (header::CONTENT_SECURITY_POLICY_REPORT_ONLY, "default-src *"),
];

async fn boom() -> &'static str {
    panic!("a panic in an endpoint")
}

pub(crate) struct World {
    pub(crate) gateway: Arc<Recorder>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) address: SocketAddr,
    /// `GET /finish` waits for one of these.
    pub(crate) may_finish: Arc<Semaphore>,
    /// Whom the shard says a socket comes from; the socket's peer if none.
    pub(crate) client: Arc<Mutex<Option<IpAddr>>>,
    /// How many bytes the shard reads before it hands over.
    pub(crate) read_ahead: Arc<AtomicUsize>,
    pub(crate) handoffs: mpsc::Sender<Handoff>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let gateway = Arc::new(Recorder::default());
        let build = Build { version: "0.0.0", commit: "test" };
        let monitor = Arc::new(Monitor::new(2, build, Counts::default));
        let may_finish = Arc::new(Semaphore::new(0));
        let trouble = Arc::new(Trouble { may_finish: Arc::clone(&may_finish) });
        let mut parts = parts(Arc::clone(&gateway), Arc::clone(&monitor), trouble);
        change(&mut parts);

        let bounds = parts.bounds;
        let (handoffs, taken) = mpsc::channel(16);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let metrics = Arc::clone(monitor.front());
        let served = tokio::spawn(serve(taken, router(parts), bounds, metrics, stopped));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self {
            gateway,
            monitor,
            address: listener.local_addr().unwrap(),
            may_finish,
            client: Arc::default(),
            read_ahead: Arc::new(AtomicUsize::new(16 * 1024)),
            handoffs,
            stop: Some(stop),
            served: Some(served),
        };
        world.accept(listener);
        world
    }

    /// What a shard does with a socket that asks for no WebSocket.
    fn accept(&self, listener: TcpListener) {
        let (client, read_ahead) = (Arc::clone(&self.client), Arc::clone(&self.read_ahead));
        let handoffs = self.handoffs.downgrade();
        tokio::spawn(async move {
            while let Ok((mut socket, peer)) = listener.accept().await {
                let mut already_read = vec![0; read_ahead.load(SeqCst)];
                let client = client.lock().unwrap().unwrap_or(peer.ip());
                let Some(handoffs) = handoffs.upgrade() else { return };
                tokio::spawn(async move {
                    let n = match already_read.is_empty() {
                        true => 0,
                        false => socket.read(&mut already_read).await.unwrap(),
                    };
                    already_read.truncate(n);
                    let stream = Stream::Plain(socket.into_std().unwrap());
                    let _ = handoffs.send(Handoff { stream, already_read, peer, client }).await;
                });
            }
        });
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { socket: TcpStream::connect(self.address).await.unwrap(), rest: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(request).await;
        client.answer().await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n\r\n"))
            .await
    }

    pub(crate) async fn delete(&self, path: &str, key: &str) -> Answer {
        let line = format!("DELETE {path} HTTP/1.1\r\nhost: a\r\n");
        self.ask(&format!("{line}authorization: Bearer {key}\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &str) -> Answer {
        self.ask(&post_text(path, key, body)).await
    }

    /// Asks the front to stop.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().expect("only once").send(());
    }

    /// Waits until it has.
    pub(crate) async fn stopped(&mut self) {
        self.served.take().expect("only once").await.unwrap();
    }

    pub(crate) fn set_client(&self, client: &str) {
        *self.client.lock().unwrap() = Some(client.parse().unwrap());
    }
}

fn parts(gateway: Arc<Recorder>, monitor: Arc<Monitor>, trouble: Arc<Trouble>) -> Parts {
    let key = |name: &str, secret: &str, scopes: &[Scope]| KeyRow {
        name: name.into(),
        secret: secret.into(),
        scopes: scopes.into(),
    };
    let keys = vec![
        key("publisher", PUBLISHER, &[Scope::Publish, Scope::Disconnect]),
        key("reader", READER, &[Scope::Read]),
        key("admin", ADMIN, &[Scope::Admin]),
    ];
    let claimed =
        |claim: &str, value: &str| Claimed { claim: claim.into(), one_of: vec![value.into()] };
    let any = vec![claimed("role", "Admin"), claimed("is_staff", "true")];
    Parts {
        logs: Arc::<Recorder>::clone(&gateway),
        register: Arc::<Recorder>::clone(&gateway),
        gateway,
        monitor,
        keys: ApiKeys::new(keys).unwrap(),
        admin: Some(AdminRule { route: "notifications".into(), any }),
        metrics: MetricsAccess::Admin,
        // Mounted on two routes, as boot would hand it in.
        apps: vec![Arc::clone(&trouble) as Arc<dyn App>, trouble],
        dev: None,
        lines: None,
        pages: vec![PageLink { path: "/page".into(), title: "Trouble <&>".into() }],
        hosts: None,
        origins: vec!["http://localhost:5173".into()],
        connect_also: Vec::new(),
        key_failures: BackoffRules {
            failures: 3,
            window: Duration::from_secs(60),
            wait_min: Duration::from_secs(5),
            wait_max: Duration::from_secs(60),
        },
        bounds: Bounds::default(),
    }
}

pub(crate) fn post_text(path: &str, key: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    /// Bytes that came behind the latest answer.
    rest: Vec<u8>,
}

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer; `None` if the connection ends before it.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = self.rest.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.rest.drain(..head_end).collect()).unwrap();
        let mut answer = Answer::of_head(&head);
        let length: usize = answer.header("content-length").map_or(0, |it| it.parse().unwrap());
        while self.rest.len() < length {
            self.more().await.expect("a whole body");
        }
        answer.body = String::from_utf8(self.rest.drain(..length).collect()).unwrap();
        Some(answer)
    }

    /// Whether the front has closed, with nothing left to read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.rest.is_empty() && self.more().await.is_none()
    }

    async fn more(&mut self) -> Option<()> {
        let n = self.socket.read_buf(&mut self.rest).await.unwrap_or(0);
        (n != 0).then_some(())
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn of_head(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().and_then(|it| it.split(' ').nth(1)).unwrap().parse().unwrap();
        let pair = |it: &str| it.split_once(": ").map(|(name, value)| (name.into(), value.into()));
        Self { status, headers: lines.filter_map(pair).collect(), body: String::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    /// The status and the body, as a snapshot shows them.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.status, self.body)
    }

    /// The code of an error, empty if it is none.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}
