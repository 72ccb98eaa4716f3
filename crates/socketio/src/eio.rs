//! Engine.IO 4: one session over WebSocket, long polling, or first the one and then the other.

mod session; // Start here.

mod effect;
mod fault;
mod input;
mod packet;
pub(crate) mod payload;
mod refusal;
mod request;
mod requests;
mod waiting;

pub use self::{
    effect::{Answer, Effect},
    fault::Fault,
    input::{ConnId, Incoming, Input, RequestId},
    packet::Packet,
    payload::{packets, payload},
    refusal::Refusal,
    request::{Request, Transport},
    session::Session,
};
