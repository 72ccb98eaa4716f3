//! Socket.IO 5: sockets in namespaces, events and their acknowledgements, on one connection.

mod peer; // Start here.

mod args;
mod asks;
mod attachments;
mod auth;
mod decoder;
mod effect;
pub mod encode;
mod event;
mod fault;
mod ids;
mod input;
mod packet;
mod payload;
mod places;
mod read;

pub use self::{
    args::Args,
    attachments::{ATTACHMENTS_MAX, Attachments},
    auth::{Auth, Recovery},
    decoder::Decoder,
    effect::Effect,
    encode::ConnectError,
    event::{Event, EventName},
    fault::Fault,
    ids::{AckId, AskId, Reply, SocketId},
    input::Input,
    packet::{Body, Packet},
    payload::Payload,
    peer::Peer,
};
