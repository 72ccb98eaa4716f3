//! What a client says while it polls: POST bodies, and the packets in them.

use std::time::Instant;

use super::{Flow, Heartbeat, Session, State};
use crate::{
    Frame, Message, Reason,
    eio::{
        Answer, Effect, Fault, Packet, Refusal, RequestId,
        payload::{Body, packets},
        requests::{Post, answer},
    },
};

impl Session {
    pub(super) fn begin_post(
        &mut self,
        request: RequestId,
        length: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let requests = match &mut self.state {
            State::Polling(requests) | State::Probing(requests, _) => requests,
            // What it says cannot matter any more, and a refusal would make the client drop what
            // still waits for it.
            State::Closing { .. } => return effects.push(answer(request, Answer::Taken)),
            State::Framing(_) => {
                return effects.push(answer(request, Answer::Refused(Refusal::BadRequest)));
            }
            State::Closed => {
                return effects.push(answer(request, Answer::Refused(Refusal::SessionUnknown)));
            }
        };
        if requests.post.is_some() {
            effects.push(answer(request, Answer::Refused(Refusal::BadRequest)));
            return self.end(Reason::TransportError, &Frame::CLOSE, effects);
        }
        requests.post = Some(Post { request, body: Body::default() });
        let bytes_max = u64::try_from(self.policy.payload_bytes_max).unwrap_or(u64::MAX);
        if length.is_some_and(|it| bytes_max < it) {
            self.refuse_post(request, effects);
        }
    }

    pub(super) fn continue_post(
        &mut self,
        request: RequestId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        let bytes_max = self.policy.payload_bytes_max;
        let post = self.requests_mut().and_then(|it| it.post_mut(request));
        if post.is_some_and(|it| it.body.take(bytes, bytes_max).is_err()) {
            self.refuse_post(request, effects);
        }
    }

    /// What was in the body is lost, and with it the order of what comes after: the session ends.
    fn refuse_post(&mut self, request: RequestId, effects: &mut Vec<Effect>) {
        drop(self.requests_mut().and_then(|it| it.take_post(request)));
        effects.push(answer(request, Answer::TooLong));
        self.end(Reason::TransportError, &Frame::CLOSE, effects);
    }

    pub(super) fn end_post(&mut self, now: Instant, request: RequestId, effects: &mut Vec<Effect>) {
        let Some(post) = self.requests_mut().and_then(|it| it.take_post(request)) else { return };
        match self.hear_payload(now, post.body, effects) {
            Ok(Flow::On) => effects.push(answer(request, Answer::Taken)),
            Ok(Flow::Over) => {
                effects.push(answer(request, Answer::Taken));
                self.end(Reason::TransportClose, &Frame::NOOP, effects);
            }
            Err(_) => {
                effects.push(answer(request, Answer::Refused(Refusal::BadRequest)));
                self.end(Reason::ParseError, &Frame::CLOSE, effects);
            }
        }
    }

    fn hear_payload(
        &mut self,
        now: Instant,
        body: Body,
        effects: &mut Vec<Effect>,
    ) -> Result<Flow, Fault> {
        let text = body.finish()?;
        for packet in packets(&text, self.policy.payload_packets_max) {
            if let Flow::Over = self.hear(now, packet?, effects)? {
                return Ok(Flow::Over);
            }
        }
        Ok(Flow::On)
    }

    pub(super) fn hear(
        &mut self,
        now: Instant,
        packet: Packet<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<Flow, Fault> {
        match packet {
            Packet::Text(text) => effects.push(Effect::Heard(Message::Text(text.into()))),
            Packet::Binary(bytes) => effects.push(Effect::Heard(Message::Binary((*bytes).into()))),
            Packet::Pong => self.hear_pong(now),
            Packet::Noop => (),
            Packet::Close => return Ok(Flow::Over),
            Packet::Probe => return Err(Fault::WrongDirection),
            Packet::Upgrade => return Err(Fault::OutOfPlace),
        }
        Ok(Flow::On)
    }

    /// A pong that nobody asked for moves nothing.
    fn hear_pong(&mut self, now: Instant) {
        if let Heartbeat::Pinged { .. } = self.heartbeat {
            self.heartbeat = Heartbeat::Quiet { ping_at: now + self.policy.ping_interval };
        }
    }
}
