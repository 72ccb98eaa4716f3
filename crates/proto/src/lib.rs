//! The language everything else speaks: ids, names, codes, commands, events.
//!
//! Knows no socket, no clock, and no dialect but the native one, whose JSON is in [`json`].

mod code; // Start here: why a client may be told no, in one table.

mod action;
mod channel_name;
mod command;
mod dialect;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod ids;
pub mod json;
mod log;
mod notice;
#[cfg(test)]
mod protocol_page;
mod publication;
mod refusal;
mod unix_time;

pub use crate::{
    action::{Action, Message, Reach, ReplyId, Values},
    channel_name::{BadName, ChannelName},
    code::{Act, Code, ComeBack},
    command::{Command, Mark, Request, Start},
    dialect::Dialect,
    event::{Event, Stand},
    identity::Identity,
    ids::{ConnId, Epoch, Offset, RequestId, SessionId, ShardId, UserId},
    log::{Cursor, LogHead, Page, Reader, Span},
    notice::{Notice, Person, Presence, Roll, Status, Who},
    publication::{Kind, Placed, Publication},
    refusal::Refusal,
    unix_time::{UnixMillis, UnixTime},
};
