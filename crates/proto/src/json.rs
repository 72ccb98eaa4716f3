//! The native dialect: JSON in, commands; events, JSON out. `PROTOCOL.md` quotes what this prints.

use std::sync::Arc;

use serde::Deserialize;

use crate::action::Message;

mod commands;
mod events;
mod notices;

pub use self::{
    commands::{Garbled, requests},
    events::{event, items, plain_refusal, publication},
    notices::roll,
};

/// Commands in one frame, sent as an array. Bounds what one message of the limit can ask (F11).
pub const COMMANDS_MAX: usize = 64;

/// How deep arrays and objects may nest, in commands and in what is published (F11). Deeper than
/// any message seen in the field, and shallow enough for every reader's stack.
pub const DEPTH_MAX: usize = 64;

/// Messages that one reading of a log answers with at most: one answer stays within reach of the
/// outbox's bytes for messages of ordinary size.
pub const HISTORY_MAX: u16 = 1000;

/// Messages a reading answers with where no limit is named.
pub const HISTORY_DEFAULT: u16 = 100;

/// The longest idempotency key: room for two UUIDs and a prefix.
pub const KEY_BYTES_MAX: usize = 128;

/// Whether the text nests no deeper than [`DEPTH_MAX`]. Looks at brackets only, in one pass, so
/// that it can be asked before anything parses the text.
pub fn is_shallow(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if DEPTH_MAX < depth {
            return false;
        }
    }
    true
}

/// The token in a plain client's first message: `token`, at the top or one level down in `data` or
/// `payload`.
pub fn first_token(message: &Message) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct First {
        token: Option<String>,
        data: Option<Inner>,
        payload: Option<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        token: Option<String>,
    }
    let Message::Text(text) = message else { return None };
    let first: First = serde_json::from_str(text).ok()?;
    let inner = first.data.and_then(|it| it.token).or(first.payload.and_then(|it| it.token));
    first.token.or(inner).map(Into::into)
}

#[cfg(test)]
mod tests;
