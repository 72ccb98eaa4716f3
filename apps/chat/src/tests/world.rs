//! The application over a real database, with a gateway that writes down what it is asked.

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

use app::{
    Action, App, Description, Gateway, Message, Post, Reach, ReplyId, Selection, Values, Visitor,
};
use async_trait::async_trait;
use proto::{
    ChannelName, Code, ConnId, Epoch, Identity, Offset, Placed, Refusal, UnixTime, UserId,
};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::Chat;

pub(super) struct World {
    pub(super) chat: Arc<Chat>,
    pub(super) gateway: Arc<Recorder>,
    dir: PathBuf,
}

impl World {
    pub(super) fn new() -> Self {
        Self::opened(false)
    }

    pub(super) fn seeded() -> Self {
        Self::opened(true)
    }

    fn opened(seed: bool) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("chat-app-{}-{count}", process::id()));
        let gateway = Arc::new(Recorder::default());
        let chat = Chat::open(&dir, gateway.clone(), seed).unwrap();
        Self { chat, gateway, dir }
    }

    pub(super) async fn admit(&self, user: &str, auth: Option<&str>) -> Result<(), Refusal> {
        let visitor = Visitor { auth: auth.map(Into::into), ..visitor(user) };
        self.chat.admit(&visitor).await
    }

    pub(super) async fn comes(&self, user: &str) -> String {
        self.chat.admit(&visitor(user)).await.unwrap();
        told(&self.chat.connected(&visitor(user)).await)
    }

    pub(super) async fn goes(&self, user: &str) -> String {
        told(&self.chat.disconnected(&visitor(user)).await)
    }

    /// Says something, and waits for the answer if `reply` says so.
    pub(super) async fn say_with(
        &self,
        user: &str,
        event: &str,
        values: &str,
        reply: Option<u32>,
    ) -> Vec<Action> {
        let (name, values) = (event.into(), Values::new(values));
        let message = Message::Event { name, values, reply: reply.map(ReplyId) };
        self.chat.message(&visitor(user), message).await
    }

    pub(super) async fn say(&self, user: &str, event: &str, value: &str) -> String {
        told(&self.say_with(user, event, &format!("[{value}]"), Some(7)).await)
    }

    pub(super) async fn http(&self, method: &str, path: &str, user: &str) -> (u16, Value) {
        self.http_with(method, path, Some(&token(user)), None).await
    }

    pub(super) async fn http_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (u16, Value) {
        use tower::ServiceExt as _;
        let mut request = axum::http::Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                axum::body::Body::from(body.to_string())
            }
            None => axum::body::Body::empty(),
        };
        let router = self.chat.clone().routes();
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        (status, serde_json::from_slice(&body).unwrap_or(Value::String(text)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A leftover directory is no reason to fail.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The recorder's tokens are claims as JSON.
pub(super) fn token(user: &str) -> String {
    let role = if user == "ann" { "admin" } else { "user" };
    json!({ "sub": user, "name": name(user), "role": role }).to_string()
}

fn name(user: &str) -> String {
    let mut name = user.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

pub(super) fn visitor(user: &str) -> Visitor {
    Visitor {
        conn: ConnId::new(0, 0),
        identity: Some(Arc::new(identity(&token(user)))),
        route: "chat".into(),
        captures: [].into(),
        address: [192, 0, 2, 1].into(),
        auth: None,
        namespace: Some("/".into()),
        recovered: None,
    }
}

fn identity(token: &str) -> Identity {
    let claims: Value = serde_json::from_str(token).unwrap();
    Identity {
        user: UserId::parse(claims["sub"].as_str().unwrap()).unwrap(),
        expires_at: UnixTime(0),
        issued_at: None,
        token_id: None,
        claims: token.into(),
    }
}

/// One action a line. Times are replaced.
pub(super) fn told(actions: &[Action]) -> String {
    actions.iter().map(one_told).collect()
}

fn one_told(action: &Action) -> String {
    match action {
        Action::Reply(Message::Event { name, values, .. }) => {
            format!("reply {name} {}\n", settled(&values.json))
        }
        Action::Acknowledge { reply, values } => {
            format!("answer {} {}\n", reply.0, settled(&values.json))
        }
        Action::Publish { channel, payload, except, event, reach } => {
            let except = except.as_ref().map(|it| format!(" except {it}")).unwrap_or_default();
            let event = event.as_deref().unwrap_or("message");
            let how = match reach {
                Reach::Members => "publish",
                Reach::Present => "signal",
                Reach::Others => "signal others",
            };
            format!("{how} {event} to {channel}{except} {}\n", settled(payload))
        }
        Action::Join(channel) => format!("join {channel}\n"),
        Action::Leave(channel) => format!("leave {channel}\n"),
        Action::Close(refusal) => format!("close {}\n", refusal.code),
        Action::Reply(Message::Text(_) | Message::Binary(_) | Message::Answer { .. }) => {
            panic!("not in the chat's language: {action:?}")
        }
    }
}

fn settled(text: &str) -> String {
    fn settle(value: &mut Value) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(settle),
            Value::Array(values) => values.iter_mut().for_each(settle),
            Value::String(text) if text.len() == 24 && text.ends_with('Z') => {
                *value = "now".into();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut value: Value = serde_json::from_str(text).unwrap();
    settle(&mut value);
    value.to_string()
}

/// Stands where the gateway stands.
#[derive(Default)]
pub(super) struct Recorder {
    posts: Mutex<Vec<String>>,
    posted: Notify,
    ended: Mutex<Vec<String>>,
}

impl Recorder {
    pub(super) fn posts(&self) -> String {
        std::mem::take(&mut *self.posts.lock().unwrap()).concat()
    }

    pub(super) fn ended(&self) -> Vec<String> {
        std::mem::take(&mut *self.ended.lock().unwrap())
    }

    /// Once as much has been published.
    pub(super) async fn when_posted(&self, count: usize) -> String {
        loop {
            let posted = self.posted.notified();
            if count <= self.posts.lock().unwrap().len() {
                return self.posts();
            }
            posted.await;
        }
    }
}

impl Recorder {
    fn note(&self, post: Post, reach: Reach) {
        let Post { channel, payload, except, event, .. } = post;
        let line = one_told(&Action::Publish { channel, payload, except, event, reach });
        self.posts.lock().unwrap().push(line);
        self.posted.notify_one();
    }
}

#[async_trait]
impl Gateway for Recorder {
    async fn publish(&self, post: Post) -> Result<Placed, Refusal> {
        self.note(post, Reach::Members);
        Ok(Placed { epoch: Epoch(1), offset: Offset(1) })
    }

    async fn signal(&self, post: Post) -> Result<(), Refusal> {
        self.note(post, Reach::Present);
        Ok(())
    }

    async fn describe(&self, _channel: ChannelName) -> Result<Description, Refusal> {
        Ok(Description { members: 0, head: None })
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
        assert_eq!(route, "chat");
        if serde_json::from_str::<Value>(token).is_err() {
            return Err(Code::InvalidToken.into());
        }
        Ok(Arc::new(identity(token)))
    }

    fn mint(&self, _claims: Map<String, Value>, _lifetime: Duration) -> Option<String> {
        None
    }
}
