//! RFC 6455 as a machine: request heads, handshakes, frames, messages and permessage-deflate.
//!
//! Bytes go in, arrivals or faults come out. Nothing here opens a socket, reads a clock, waits, or
//! knows what a message means. Every length is checked against a bound before a byte is kept for
//! it, and nothing a client sends can panic: the fuzzers are the judge.
//!
//! ```text
//!  socket bytes ─► HeadScan ─► parse_head ─► handshake::upgrade ─► response_101
//!                                  │ not an upgrade: the bytes go to the HTTP side
//!  socket bytes ─► Decoder::next ─► Arrived::{Text, Binary, Ping, Pong, Close} or Fault
//!  payloads     ─► encode::frame, Deflater ─► socket bytes
//! ```

// A slice or a cast that is wrong for some length a client chose is a way to stop a shard.
#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

pub mod client;
mod copy;
pub mod decoder; // Start here.
pub mod deflate;
pub mod encode;
mod fault;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod head;
mod mask;

pub use decoder::{Arrived, Bounds, Decoder, Step};
pub use deflate::{Deflater, Inflater};
pub use encode::{close_frame, frame, frame_into, pong};
pub use fault::Fault;
pub use frame::Opcode;
pub use handshake::{HandshakeFault, Upgrade, is_upgrade, response_101, response_refusal, upgrade};
pub use head::{Head, HeadFault, HeadLimits, HeadScan, parse_head};
pub use mask::unmask;
