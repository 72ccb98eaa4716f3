//! What one Engine.IO session decides.
//!
//! ```text
//!              GET without sid                     WebSocket without sid
//!                    │                                      │
//!                    ▼      a WebSocket with its sid        │
//!              ┌─ Polling ──────────────────► Probing       │
//!              │     ▲                         │   │        │
//!              │     └── too late, wrong word ─┘   │ 5      │
//!        Close │                                   ▼        ▼
//!              │                                 Framing ◄──┘
//!              ▼      the goodbye is fetched        │
//!           Closing ──────────► Closed ◄────────────┘  any violation, from anywhere
//! ```

mod posting;
mod upgrading;

use std::{sync::Arc, time::Instant};

use super::{
    Answer, ConnId, Effect, Input, Refusal, RequestId,
    payload::payload,
    requests::{Requests, answer},
    waiting::Waiting,
};
use crate::{Frame, Policy, Reason, Sid};

/// One session.
#[derive(Debug)]
pub struct Session {
    policy: Arc<Policy>,
    state: State,
    heartbeat: Heartbeat,
    /// Empty unless it polls.
    waiting: Waiting,
}

#[derive(Debug)]
enum State {
    /// By requests only.
    Polling(Requests),
    /// By requests, and a WebSocket is there that has to show that it works.
    Probing(Requests, Probe),
    /// By one WebSocket.
    Framing(ConnId),
    /// It is over for us; the last packets wait to be fetched.
    Closing { until: Instant },
    /// It is over.
    Closed,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    conn: ConnId,
    until: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// It has said nothing.
    Silent,
    /// `2probe` was answered. From now on no GET waits: the client lets its last one come home
    /// before it says `5`.
    Proven,
}

#[derive(Clone, Copy, Debug)]
enum Heartbeat {
    Quiet { ping_at: Instant },
    Pinged { until: Instant },
}

/// What comes of a packet.
enum Flow {
    On,
    Over,
}

impl Session {
    /// A session that begins with a GET. Its name goes into the answer.
    pub fn open_polling(
        now: Instant,
        policy: Arc<Policy>,
        sid: &Sid,
        request: RequestId,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let open = Frame::Text(opening(&policy, sid, policy.offers_upgrade).into());
        effects.push(answer(request, Answer::Payload(payload([&open]))));
        Self::new(now, policy, State::Polling(Requests::default()))
    }

    /// A session that begins with a WebSocket.
    pub fn open_websocket(
        now: Instant,
        policy: Arc<Policy>,
        sid: &Sid,
        conn: ConnId,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let frame = Frame::Text(opening(&policy, sid, false).into());
        effects.push(Effect::Write { conn, frame });
        Self::new(now, policy, State::Framing(conn))
    }

    fn new(now: Instant, policy: Arc<Policy>, state: State) -> Self {
        let heartbeat = Heartbeat::Quiet { ping_at: now + policy.ping_interval };
        Self { policy, state, heartbeat, waiting: Waiting::default() }
    }

    /// Takes one input and appends the effects it calls for. Cannot fail: what a client may not do
    /// ends the session, and what comes after the end is refused.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, effects: &mut Vec<Effect>) {
        match input {
            Input::Polled { request } => self.poll(request, effects),
            Input::PostBegan { request, length } => self.begin_post(request, length, effects),
            Input::PostContinued { request, bytes } => self.continue_post(request, bytes, effects),
            Input::PostEnded { request } => self.end_post(now, request, effects),
            Input::Abandoned { request } => self.abandon(request, effects),
            Input::Attached { conn } => self.attach(now, conn, effects),
            Input::Received { conn, message } => self.receive(now, conn, message, effects),
            Input::Detached { conn } => self.detach(conn, effects),
            Input::Woke => self.wake(now, effects),
            Input::Send(encoded) => self.send(encoded.frames(), effects),
            Input::Close => self.close(now, effects),
            Input::Abort(reason) => self.end(reason, &Frame::CLOSE, effects),
        }
    }

    /// When [`Input::Woke`] is due. Asking again after each input is enough.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Instant> {
        let beat = match self.heartbeat {
            Heartbeat::Quiet { ping_at: at } | Heartbeat::Pinged { until: at } => at,
        };
        match &self.state {
            State::Polling(_) | State::Framing(_) => Some(beat),
            State::Probing(_, probe) => Some(beat.min(probe.until)),
            State::Closing { until } => Some(*until),
            State::Closed => None,
        }
    }

    /// The WebSocket to which packets go at once, in order and as they are. None while it polls:
    /// then they are for [`Input::Send`].
    #[must_use]
    pub fn writes_to(&self) -> Option<ConnId> {
        match &self.state {
            State::Framing(conn) => Some(*conn),
            State::Polling(_) | State::Probing(..) | State::Closing { .. } | State::Closed => None,
        }
    }

    fn poll(&mut self, request: RequestId, effects: &mut Vec<Effect>) {
        match &mut self.state {
            State::Polling(requests) | State::Probing(requests, _) => {
                if requests.get.is_some() {
                    effects.push(answer(request, Answer::Refused(Refusal::BadRequest)));
                    return self.end(Reason::TransportError, &Frame::CLOSE, effects);
                }
                requests.get = Some(request);
                self.answer_get(effects);
            }
            State::Closing { .. } => {
                self.waiting.push(Frame::CLOSE);
                let last = payload(&self.waiting.take());
                effects.push(answer(request, Answer::Payload(last)));
                self.end(Reason::ForcedClose, &Frame::CLOSE, effects);
            }
            State::Framing(_) => {
                effects.push(answer(request, Answer::Refused(Refusal::BadRequest)))
            }
            State::Closed => {
                effects.push(answer(request, Answer::Refused(Refusal::SessionUnknown)))
            }
        }
    }

    /// Gives the GET that waits what waits for it.
    fn answer_get(&mut self, effects: &mut Vec<Effect>) {
        let (requests, is_released) = match &mut self.state {
            State::Polling(requests) => (requests, false),
            State::Probing(requests, probe) => (requests, probe.stage == Stage::Proven),
            State::Framing(_) | State::Closing { .. } | State::Closed => return,
        };
        if self.waiting.is_empty() && is_released && requests.get.is_some() {
            self.waiting.push(Frame::NOOP);
        }
        if self.waiting.is_empty() {
            return;
        }
        if let Some(request) = requests.get.take() {
            effects.push(answer(request, Answer::Payload(payload(&self.waiting.take()))));
        }
    }

    /// Whoever hangs up in the middle of a request has lost what was in it, either way.
    fn abandon(&mut self, request: RequestId, effects: &mut Vec<Effect>) {
        let Some(requests) = self.requests_mut() else { return };
        let was_get = requests.get.take_if(|it| *it == request).is_some();
        let was_post = requests.take_post(request).is_some();
        if was_get || was_post {
            self.end(Reason::TransportError, &Frame::CLOSE, effects);
        }
    }

    fn send(&mut self, frames: impl IntoIterator<Item = Frame>, effects: &mut Vec<Effect>) {
        match &self.state {
            State::Framing(conn) => {
                let conn = *conn;
                effects.extend(frames.into_iter().map(|frame| Effect::Write { conn, frame }));
            }
            State::Polling(_) | State::Probing(..) => {
                for frame in frames {
                    self.waiting.push(frame);
                }
                self.answer_get(effects);
                if self.waiting.is_too_much(&self.policy) {
                    self.end(Reason::TooSlow, &Frame::CLOSE, effects);
                }
            }
            State::Closing { .. } | State::Closed => (),
        }
    }

    fn wake(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match &self.state {
            State::Closing { until } if *until <= now => {
                return self.end(Reason::ForcedClose, &Frame::CLOSE, effects);
            }
            State::Closing { .. } | State::Closed => return,
            State::Probing(_, probe) if probe.until <= now => {
                effects.push(Effect::CloseConn { conn: probe.conn });
                self.poll_on();
            }
            State::Polling(_) | State::Probing(..) | State::Framing(_) => (),
        }
        match self.heartbeat {
            Heartbeat::Quiet { ping_at } if ping_at <= now => {
                self.heartbeat = Heartbeat::Pinged { until: now + self.policy.ping_timeout };
                self.send([Frame::PING], effects);
            }
            Heartbeat::Pinged { until } if until <= now => {
                self.end(Reason::PingTimeout, &Frame::CLOSE, effects);
            }
            Heartbeat::Quiet { .. } | Heartbeat::Pinged { .. } => (),
        }
    }

    fn close(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let Some(requests) = self.requests_mut() else {
            if let State::Framing(_) = self.state {
                self.end(Reason::ForcedClose, &Frame::CLOSE, effects);
            }
            return;
        };
        if requests.get.is_some() {
            return self.end(Reason::ForcedClose, &Frame::CLOSE, effects);
        }
        if let Some(post) = requests.post.take() {
            effects.push(answer(post.request, Answer::Taken));
        }
        if let State::Probing(_, probe) = &self.state {
            effects.push(Effect::CloseConn { conn: probe.conn });
        }
        self.state = State::Closing { until: now + self.policy.closing_within };
    }

    /// Ends it, and leaves nobody waiting. Once.
    fn end(&mut self, reason: Reason, farewell: &Frame, effects: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Polling(requests) => requests.release(farewell, effects),
            State::Probing(requests, probe) => {
                requests.release(farewell, effects);
                effects.push(Effect::CloseConn { conn: probe.conn });
            }
            State::Framing(conn) => effects.push(Effect::CloseConn { conn }),
            State::Closing { .. } => (),
            State::Closed => return,
        }
        drop(self.waiting.take());
        effects.push(Effect::Closed { reason });
    }

    fn requests_mut(&mut self) -> Option<&mut Requests> {
        match &mut self.state {
            State::Polling(requests) | State::Probing(requests, _) => Some(requests),
            State::Framing(_) | State::Closing { .. } | State::Closed => None,
        }
    }
}

/// The first packet. A name needs no escapes, and the rest are numbers.
fn opening(policy: &Policy, sid: &Sid, offers_upgrade: bool) -> String {
    let upgrades = if offers_upgrade { r#"["websocket"]"# } else { "[]" };
    format!(
        r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        sid.as_str(),
        policy.ping_interval.as_millis(),
        policy.ping_timeout.as_millis(),
        policy.payload_bytes_max,
    )
}
