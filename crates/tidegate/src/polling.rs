//! Long polling: requests of Socket.IO clients, which arrive on any thread and by any connection,
//! and are answered by the shard that has their session.
//!
//! A session's name says which shard that is. What happens to a request is told to the shard in
//! notes, in order; its answer comes back by a channel of its own.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use admission::RouteId;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use proto::{Code, Dialect, Refusal, ShardId};
use socketio::{
    Sid,
    eio::{self, Answer, RequestId, Transport},
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use crate::{
    ground::Ground,
    inbox::{Inbox, Note},
};

/// From the head of a POST to the end of its body.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// Something that happened to a request.
#[derive(Debug)]
pub(crate) struct Polled {
    /// Never used again in this process.
    pub(crate) request: RequestId,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum What {
    /// A client wants a session. `head` is its request's, for admission.
    Open { head: Vec<u8>, peer: IpAddr, tls: bool, reply: Reply },
    /// It asks what there is.
    Poll { sid: Sid, route: RouteId, reply: Reply },
    /// It is about to say something.
    PostBegan { sid: Sid, route: RouteId, length: Option<u64>, reply: Reply },
    /// It has said it.
    PostEnded { sid: Sid, body: Bytes },
    /// It is gone, or what it says has come to no end.
    Abandoned { sid: Sid },
}

/// Where an answer goes. Dropped when there is nobody to give one.
pub(crate) type Reply = oneshot::Sender<Result<Answer, Refusal>>;

struct Desk {
    ground: Arc<Ground>,
    is_tls: bool,
    next: AtomicU64,
    /// Kibibytes that bodies may still take.
    room: Arc<Semaphore>,
}

/// The paths of all routes that speak Socket.IO. None if there are no such routes.
pub(crate) fn router(
    ground: &Arc<Ground>,
    is_tls: bool,
    bodies_bytes_max: usize,
) -> Option<Router> {
    let routes = (0..).map(RouteId).map_while(|it| ground.door.routes.of(it));
    let paths: Vec<String> = routes
        .filter(|it| it.dialect == Dialect::SocketIo)
        .map(|it| it.path.to_string().trim_end_matches('/').to_owned())
        .collect();
    if paths.is_empty() {
        return None;
    }
    let desk = Arc::new(Desk {
        ground: Arc::clone(ground),
        is_tls,
        next: AtomicU64::new(0),
        room: Arc::new(Semaphore::new(bodies_bytes_max / 1024)),
    });
    let mut router = Router::new();
    for path in paths {
        router = router.route(&format!("{path}/"), any(answer));
        if !path.is_empty() {
            router = router.route(&path, any(answer));
        }
    }
    Some(router.with_state(desk))
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(sender) = head.extensions.get::<front::Sender>().copied() else {
        return refused(&Code::BadRequest.into());
    };
    let bytes = as_bytes(&head);
    let welcome = wire::parse_head(&bytes, &desk.ground.head_limits)
        .ok()
        .flatten()
        .ok_or_else(|| Refusal::new(Code::BadRequest))
        .and_then(|(it, _)| {
            let door = &desk.ground.door;
            let (id, route) = admission::welcome(&it, sender.peer, desk.is_tls, door)?;
            Ok((id, route.message_bytes_max))
        });
    let (route, bytes_max) = match welcome {
        Ok(found) => found,
        Err(refusal) => return refused(&refusal),
    };
    let mut response = if head.method == Method::OPTIONS {
        preflight()
    } else {
        desk.take(&head, bytes, sender.peer, route, body, bytes_max).await
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    share(headers, &head.headers);
    response
}

impl Desk {
    async fn take(
        &self,
        head: &Parts,
        bytes: Vec<u8>,
        peer: IpAddr,
        route: RouteId,
        body: Body,
        bytes_max: usize,
    ) -> Response {
        let query = head.uri.query().unwrap_or_default();
        match eio::Request::read(head.method.as_str(), query, false) {
            Err(refusal) => said(Answer::Refused(refusal)),
            Ok(eio::Request::Open(Transport::Polling)) => self.open(bytes, peer).await,
            Ok(eio::Request::Poll(sid)) => match self.of(&sid) {
                Some(inbox) => self.poll(inbox, sid, route).await,
                None => unknown(),
            },
            Ok(eio::Request::Post(sid)) => match self.of(&sid) {
                Some(inbox) => self.post(inbox, sid, route, head, body, bytes_max).await,
                None => unknown(),
            },
            Ok(eio::Request::Open(Transport::WebSocket) | eio::Request::Attach(_)) => {
                said(Answer::Refused(eio::Refusal::BadRequest))
            }
        }
    }

    /// Where the session of this name would be.
    fn of(&self, sid: &Sid) -> Option<&Arc<Inbox>> {
        let hub = &self.ground.hub;
        let shard = shard_of(sid).filter(|it| it.0 < hub.shard_count())?;
        Some(hub.inbox(shard))
    }

    fn number(&self) -> RequestId {
        RequestId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// One after the other, so that all shards have their share.
    async fn open(&self, head: Vec<u8>, peer: IpAddr) -> Response {
        let hub = &self.ground.hub;
        let request = self.number();
        let shard = u16::try_from(request.0 % u64::from(hub.shard_count())).unwrap_or(0);
        let (reply, answer) = oneshot::channel();
        let what = What::Open { head, peer, tls: self.is_tls, reply };
        hub.inbox(ShardId(shard)).answer(Note::Polled(Polled { request, what }));
        told(answer.await)
    }

    async fn poll(&self, inbox: &Arc<Inbox>, sid: Sid, route: RouteId) -> Response {
        let (reply, answer) = oneshot::channel();
        let mut asking = Asking::new(inbox, self.number(), sid.clone());
        asking.tell(What::Poll { sid, route, reply });
        asking.hear(answer).await
    }

    async fn post(
        &self,
        inbox: &Arc<Inbox>,
        sid: Sid,
        route: RouteId,
        head: &Parts,
        body: Body,
        bytes_max: usize,
    ) -> Response {
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
        let most = length.and_then(|it: u64| usize::try_from(it).ok()).unwrap_or(bytes_max);
        let kibibytes = u32::try_from(most.min(bytes_max).div_ceil(1024)).unwrap_or(u32::MAX);
        let Ok(_held) = self.room.try_acquire_many(kibibytes) else {
            return refused(&Refusal::new(Code::Busy).after(Duration::from_secs(1)));
        };
        let (reply, mut answer) = oneshot::channel();
        let mut asking = Asking::new(inbox, self.number(), sid.clone());
        asking.tell(What::PostBegan { sid: sid.clone(), route, length, reply });
        let read = async {
            // As it comes, and no further than the bound.
            timeout(BODY_WITHIN, axum::body::to_bytes(body, bytes_max)).await.ok()?.ok()
        };
        let body = tokio::select! {
            // First, so that what is refused by its length is not read.
            biased;
            early = &mut answer => {
                asking.is_answered = true;
                return closing(told(early));
            }
            body = read => body,
        };
        // What it said is lost, and with it the order of what comes after: its session ends.
        let Some(body) = body else { return closing(said(Answer::TooLong)) };
        asking.tell(What::PostEnded { sid, body });
        asking.hear(answer).await
    }
}

/// A request that waits for its answer. Whoever hangs up meanwhile is told of by dropping it.
struct Asking<'a> {
    inbox: &'a Arc<Inbox>,
    request: RequestId,
    sid: Sid,
    is_answered: bool,
}

impl<'a> Asking<'a> {
    fn new(inbox: &'a Arc<Inbox>, request: RequestId, sid: Sid) -> Self {
        Self { inbox, request, sid, is_answered: false }
    }

    /// Bounded by the connections of the HTTP side, each with one request at a time.
    fn tell(&self, what: What) {
        self.inbox.answer(Note::Polled(Polled { request: self.request, what }));
    }

    async fn hear(&mut self, answer: oneshot::Receiver<Result<Answer, Refusal>>) -> Response {
        let heard = answer.await;
        self.is_answered = true;
        told(heard)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.tell(What::Abandoned { sid: self.sid.clone() });
        }
    }
}

/// The shard that drew a session's name.
pub(crate) fn shard_of(sid: &Sid) -> Option<ShardId> {
    sid.beginning().map(|it| ShardId(u16::from_be_bytes(it)))
}

/// The request's head, for those who read heads. Its method has been looked at.
fn as_bytes(head: &Parts) -> Vec<u8> {
    let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut bytes = format!("GET {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// A shard that fails drops what it was asked, and its sessions are gone with it.
fn told(heard: Result<Result<Answer, Refusal>, oneshot::error::RecvError>) -> Response {
    match heard {
        Ok(Ok(answer)) => said(answer),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => unknown(),
    }
}

fn unknown() -> Response {
    said(Answer::Refused(eio::Refusal::SessionUnknown))
}

fn said(answer: Answer) -> Response {
    let text = |kind: &'static str, body: String| ([(header::CONTENT_TYPE, kind)], body);
    match answer {
        Answer::Payload(payload) => text("text/plain; charset=UTF-8", payload).into_response(),
        Answer::Taken => text("text/html", "ok".to_owned()).into_response(),
        Answer::TooLong => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Answer::Refused(refusal) => {
            let status = StatusCode::from_u16(refusal.status());
            let status = status.expect("the statuses of Engine.IO have three digits");
            (status, text("application/json", refusal.to_json())).into_response()
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    app::rest::Refused(refusal.clone()).into_response()
}

/// What is left of a body is not waited for.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, token"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets the page that asked read the answer. It is one of the route's, or it would not be here.
fn share(headers: &mut HeaderMap, asked: &HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = asked.get(header::ORIGIN) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let credentials: HeaderName = header::ACCESS_CONTROL_ALLOW_CREDENTIALS;
    headers.insert(credentials, HeaderValue::from_static("true"));
}

#[cfg(test)]
mod tests;
