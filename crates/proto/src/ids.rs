//! Names and numbers that cannot be mixed up.

use std::{fmt, sync::Arc};

/// One accepted socket, on one shard: a slot and how often that slot has been used.
///
/// Never reused while the shard lives, so a message for a connection that has closed finds nobody
/// rather than its successor.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnId(u64);

impl ConnId {
    pub const fn new(slot: u32, life: u32) -> Self {
        Self((life as u64) << 32 | slot as u64)
    }

    /// Where the connection stands in its shard's tables.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the slot")]
    pub const fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    /// How often the slot had been used before.
    pub const fn life(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}.{}", self.slot(), self.life())
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One thread's share of the gateway, counted from zero.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {}", self.0)
    }
}

/// A message's place in its channel. The first message has offset 1; 0 is before it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Offset(pub u64);

/// Which life of a channel an offset belongs to.
///
/// Offsets of two epochs do not compare. Printed as the hexadecimal text clients see.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// What one client keeps across its connections: 128 bits from the operating system, so that
/// nobody guesses another's (A13). Written as 32 hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u128);

impl SessionId {
    /// `None` unless the text is what [`fmt::Display`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Whoever knows a session's id may be able to resume it, so logs get only its beginning.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{:06x}…", self.0 >> 104)
    }
}

/// The number a client gave a command, returned with its reply.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

/// Whom a token names. Opaque text: integers in claims become their decimal form.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Longer than any id seen in the field; short enough to be part of a channel's name.
    pub const BYTES_MAX: usize = 128;

    /// `None` if the text is empty or longer than [`Self::BYTES_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= Self::BYTES_MAX).then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
