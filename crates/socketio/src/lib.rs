//! Engine.IO 4 and Socket.IO 5 as machines without I/O.
//!
//! For clients that are there and stay as they are: `socket.io-client` 3 and 4, and what speaks
//! like them. Told what happened and when, a [`Connection`] answers with what should be done. It
//! reads no clock, opens no socket, draws no names, and cannot fail; nothing a client sends can
//! panic, and everything that grows has a bound in [`Policy`].
//!
//! ```text
//!           requests, WebSocket messages, time              events, knocks, answers
//!  driver ───────────────────────────────────► Connection ───────────────────────────► driver
//!                                               │      ▲
//!             Engine.IO: opening, heartbeat, ┌──▼──────┴──┐ Socket.IO: namespaces, events,
//!             polling, upgrade, end          │ Session    │ acknowledgements, attachments
//!                                            │       Peer │
//!                                            └──▲──────┬──┘
//!         answers, WebSocket messages           │      ▼             emissions, admissions
//!  driver ◄─────────────────────────────────── Connection ◄─────────────────────────── driver
//! ```
//!
//! # What a driver does
//!
//! 1. **Reads a request** to its path with [`Request::read`](eio::Request::read), after CORS,
//!    Origin, limits and whatever else it asks of everyone; what fails is answered with
//!    [`Refusal::status`](eio::Refusal::status) and [`Refusal::to_json`](eio::Refusal::to_json).
//!    A WebSocket's messages are held to [`Policy::payload_bytes_max`] while they are read.
//! 2. **Opens** a [`Connection`] for `Request::Open`, under a [`Sid`] it draws, and keeps it under
//!    that name. For the other requests it looks the name up: nothing there is
//!    [`SessionUnknown`](eio::Refusal::SessionUnknown). A request must come to the process and
//!    shard that has the session, and should be from the same user (A13).
//! 3. **Tells** it each thing that happens as an [`Input`], with the time: GETs, the pieces of
//!    POSTs as they come, WebSocket messages, and the end of any of them, under numbers of its own.
//!    It counts requests and messages against its limits first: some lead to no effect at all.
//! 4. **Carries out** each [`Effect`], in order. `Answer`, `Write` and `CloseConn` are for sockets.
//!    `Knocked` is a question, asked for each namespace anew (C3): weigh the token in
//!    [`Auth`](sio::Auth) and answer with [`Admitted`](sio::Input::Admitted) or
//!    [`Refused`](sio::Input::Refused), now or later.
//!    `Event` is for the application, which answers with [`Acknowledge`](sio::Input::Acknowledge)
//!    if there is a `reply`. After `Closed` the connection is forgotten.
//! 5. **Wakes** it with [`Input::Woke`] at [`Connection::wakes_at`], asked after each input.
//! 6. **Sends to many** by encoding once ([`sio::encode::event`]). To whoever
//!    [`writes_to`](Connection::writes_to) a WebSocket the same framed bytes go at once; everyone
//!    else gets [`Emit`](sio::Input::Emit) with a pointer to the same text. What waits in a
//!    WebSocket's own outbox is the driver's to bound.
//!
//! Recovery after an interruption is the driver's too: a `pid` in `Admitted` names a state it keeps
//! after `Left`, [`event_at`](sio::encode::event_at) gives events an offset, and
//! [`Auth::recovery`](sio::Auth::recovery) says with what a client comes back. A client that is
//! told the `pid` it came with believes that it has missed nothing, so it may be told that only
//! when it is true, and what it did miss is emitted right behind.
//!
//! A client that comes by WebSocket, joins and says hello:
//!
//! ```
//! # use std::{sync::Arc, time::Instant};
//! # use socketio::{Connection, Effect, Input, Policy, Sid, eio, sio};
//! # #[expect(clippy::disallowed_methods)]
//! # let now = Instant::now();
//! # let draw = || Sid::draw([7; Sid::RANDOM_BYTES]);
//! let (policy, conn) = (Arc::new(Policy::default()), eio::ConnId(1));
//! let mut effects = Vec::new();
//! let mut connection = Connection::open_websocket(now, &policy, &draw(), conn, &mut effects);
//!
//! for said in ["40", r#"42["hello",{"a":1}]"#] {
//!     let message = eio::Incoming::Text(said);
//!     let received = eio::Input::Received { conn, message };
//!     connection.handle(now, Input::Transport(received), &mut effects);
//!     while !effects.is_empty() {
//!         match effects.remove(0) {
//!             Effect::Write { frame, .. } => println!("to the WebSocket: {frame:?}"),
//!             Effect::Knocked { socket, auth, .. } => {
//!                 assert_eq!(auth.text("token"), None, "weigh it here");
//!                 let admitted = sio::Input::Admitted { socket, sid: draw(), pid: None };
//!                 connection.handle(now, Input::Socket(admitted), &mut effects);
//!             }
//!             Effect::Event { event, .. } => {
//!                 assert_eq!(event.name().as_str(), "hello");
//!                 assert_eq!(event.args.as_str(), r#"{"a":1}"#);
//!             }
//!             other => println!("{other:?}"),
//!         }
//!     }
//! }
//! ```
//!
//! # What is stricter than the official server
//!
//! Names of events are texts, not numbers. A placeholder stands for one attachment, and each
//! attachment has one. Whoever is in and asks again to be let in stays who it was. A payload begins
//! right behind what is before it. A POST that is too long ends the session, because what it said
//! is lost. None of it is anything that an official client minds.

// A slice or a cast that is wrong for some length a client chose is a way to stop a shard.
#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

mod connection; // Start here.

pub mod eio;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod policy;
mod reason;
mod sid;
pub mod sio;

#[cfg(test)]
mod tests;

pub use crate::{
    connection::{Connection, Effect, Input},
    frame::{Encoded, Frame, Message},
    json::{DEPTH_MAX, Items, Json, JsonFault},
    policy::Policy,
    reason::Reason,
    sid::Sid,
};
