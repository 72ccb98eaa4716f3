//! What becomes of a request.

use std::{net::IpAddr, sync::Arc};

use limits::{AdmissionLimits, Seat};
use permission::Captures;
use proto::{ChannelName, Code, Identity, Refusal};
use wire::deflate::DeflateParams;

use crate::client::Client;
use crate::{
    route::{RefusalStyle, RouteId, VerifierId},
    source::Found,
};

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// Write [`Admitted::response`]; the connection is open.
    Admit(Box<Admitted>),
    /// The same, but who it is will be in its first message; then call [`authenticate`].
    ///
    /// [`authenticate`]: crate::authenticate
    AwaitToken(Box<Admitted>),
    Refuse(Box<Refused>),
    /// The token names a key that is being fetched. When it was, call [`resume`]; when that takes
    /// too long, [`Held::give_up`]; when the client leaves, [`Held::release`].
    ///
    /// [`resume`]: crate::resume
    NeedKeys(Held),
    /// Not a request for a WebSocket: for HTTP, with the bytes already read.
    PassOn,
}

/// What there has to be when a connection opens, for lack of a good token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Needs {
    #[default]
    Nothing,
    /// The session that it asks for, away: it comes on the word of that alone.
    Waiting,
    /// The session that it asks for, which outlives its token.
    Session,
}

/// A connection that may be.
#[derive(Debug)]
pub struct Admitted {
    pub route: RouteId,
    /// `None` where the route asks for no token, or its time has not come.
    pub identity: Option<Arc<Identity>>,
    pub needs: Needs,
    pub client: Client,
    /// What it joins at once; each once, in the order of the route.
    pub channels: Vec<ChannelName>,
    /// The token that came with the request, where it is looked at later.
    pub shown: Found,
    pub captures: Captures,
    /// The client's address, after trusted proxies were believed.
    pub address: IpAddr,
    /// Must go back to [`AdmissionLimits::release`] when the connection ends, whatever ends it.
    pub seat: Seat,
    /// The subprotocol that was selected.
    pub protocol: Option<String>,
    /// The compression that was agreed.
    pub deflate: Option<DeflateParams>,
    /// The whole 101, to be written first.
    pub response: Vec<u8>,
}

/// A connection that may not be. Holds nothing that must be given back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    pub refusal: Refusal,
    /// `None` if it never came to a route.
    pub route: Option<RouteId>,
    /// The client's address, after trusted proxies were believed.
    pub address: IpAddr,
    pub answer: Answer,
}

/// How a refusal is told (R13).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Before the upgrade: these bytes are the whole HTTP response. Write them and close.
    Status(Vec<u8>),
    /// After it: these bytes are the 101; then the refusal as a text frame, then a close frame with
    /// [`Code::close`]. No compression.
    Upgrade(Vec<u8>),
}

/// A seat in the hands of a request that waits for keys. It is not an attempt anew when it resumes.
#[must_use = "resume it, give it up, or release it"]
#[derive(Debug)]
pub struct Held {
    pub(crate) seat: Seat,
    pub(crate) address: IpAddr,
    pub(crate) route: RouteId,
    pub(crate) verifier: VerifierId,
}

impl Admitted {
    /// The application will not have this visitor: what to answer, by the manners of the route. The
    /// seat goes back.
    pub fn turn_away(
        self,
        refusal: Refusal,
        style: RefusalStyle,
        limits: &mut AdmissionLimits,
    ) -> Refused {
        limits.release(self.seat);
        let (route, address) = (Some(self.route), self.address);
        if style == RefusalStyle::Close && refusal.code.close() == Code::AuthRequired.close() {
            return Refused { refusal, route, address, answer: Answer::Upgrade(self.response) };
        }
        Refused::before(refusal, route, address)
    }
}

impl Held {
    /// Whose keys it waits for.
    pub fn verifier(&self) -> VerifierId {
        self.verifier
    }

    /// The keys did not come in time.
    pub fn give_up(self, limits: &mut AdmissionLimits) -> Refused {
        let (route, address) = (Some(self.route), self.address);
        self.release(limits);
        Refused::before(Code::AuthUnavailable.into(), route, address)
    }

    /// The client did not wait.
    pub fn release(self, limits: &mut AdmissionLimits) {
        limits.release(self.seat);
    }
}

impl Refused {
    /// Told by status.
    pub(crate) fn before(refusal: Refusal, route: Option<RouteId>, address: IpAddr) -> Self {
        Self::with_headers(refusal, route, address, &[])
    }

    pub(crate) fn with_headers(
        refusal: Refusal,
        route: Option<RouteId>,
        address: IpAddr,
        headers: &[(&str, &str)],
    ) -> Self {
        let mut headers = headers.to_vec();
        let retry_after = refusal.retry_after_header();
        headers.extend(retry_after.as_deref().map(|it| ("Retry-After", it)));
        if refusal.code.http() == 401 {
            // RFC 9110 section 15.5.2: a 401 says how.
            headers.push(("WWW-Authenticate", "Bearer"));
        }
        let bytes = wire::response_refusal(refusal.code.http(), &headers, &refusal.to_json());
        Self { refusal, route, address, answer: Answer::Status(bytes) }
    }
}
