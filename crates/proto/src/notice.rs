//! What a channel's members are told in passing: who writes, who has read how far, who is here.
//! It has no place, is never stored, and is for those who can read it.

use std::sync::Arc;

use crate::{ids::UserId, log::Cursor, unix_time::UnixMillis};

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// A user has begun to write, or has stopped (R76).
    Typing { user: UserId, active: bool },
    /// How far users have come, each at most once (R75).
    Receipts(Vec<(UserId, Cursor)>),
    /// Who has come, gone, or changed (R77, R79). Only for members who asked for it and may (C4).
    Presence(Presence),
}

/// What has changed since the last time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presence {
    pub joined: Vec<(UserId, Status)>,
    pub left: Vec<UserId>,
    pub changed: Vec<(UserId, Status)>,
    /// How many users there are after that. Whoever counts otherwise has missed something.
    pub users: u64,
}

impl Notice {
    /// Names in one notice at most, and in one list.
    pub const NAMES_MAX: u16 = 100;
}

/// How somebody wants to be seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Status {
    #[default]
    Online,
    Away,
    /// Not at all: they are left out of the list of those who are here.
    Offline,
    /// In their own words.
    Custom(Arc<str>),
}

impl Status {
    /// Room for a short sentence; a room of ten thousand keeps ten thousand.
    pub const BYTES_MAX: usize = 64;

    /// `None` if the text is empty, too long, or has characters that cannot be seen.
    pub fn parse(text: &str) -> Option<Self> {
        let is_fit = !text.is_empty() && text.len() <= Self::BYTES_MAX;
        match text {
            "online" => Some(Self::Online),
            "away" => Some(Self::Away),
            "offline" => Some(Self::Offline),
            _ if is_fit && !text.contains(char::is_control) => Some(Self::Custom(text.into())),
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
            Self::Custom(text) => text,
        }
    }

    /// What counts of several connections of one user: here, then their own words, then away.
    pub const fn strength(&self) -> u8 {
        match self {
            Self::Online => 3,
            Self::Custom(_) => 2,
            Self::Away => 1,
            Self::Offline => 0,
        }
    }
}

/// Whom somebody asks after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Who {
    /// Everyone who is here, in the order of their names; at most so many.
    All { after: Option<UserId>, limit: u16 },
    /// One user, who may have left.
    User(UserId),
}

/// The answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roll {
    pub users: Vec<Person>,
    /// How many users are here, also where fewer are listed.
    pub count: u64,
    /// Their connections, and those that no user is known of.
    pub connections: u64,
}

/// One user in a [`Roll`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    pub user: UserId,
    pub status: Status,
    /// When they came. `None` if they are not here.
    pub since: Option<UnixMillis>,
    /// When they left, if that is remembered. `None` while they are here.
    pub last_seen: Option<UnixMillis>,
    pub connections: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_word_of_ours_or_a_short_text() {
        for text in ["", "a\nb", "\u{0}", &"x".repeat(65)] {
            assert_eq!(Status::parse(text), None, "{text:?}");
        }
        assert_eq!(Status::parse("away"), Some(Status::Away));
        let longest = "x".repeat(64);
        for text in ["online", "away", "offline", "Away", "zu Tisch \u{1f35c}", &longest] {
            assert_eq!(Status::parse(text).unwrap().as_str(), text);
        }
    }
}
