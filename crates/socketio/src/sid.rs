//! Names of sessions, sockets and recoverable states: drawn at random by the driver, told to one
//! client, and the only key to what they name.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// An unguessable name: at least 128 bits of the driver's randomness (A13, F13).
///
/// Not shown by `Debug`: whoever knows it may speak for its client.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sid(Arc<str>);

impl Sid {
    /// What [`Sid::draw`] takes: 144 bits, because they make 24 letters with nothing left over.
    pub const RANDOM_BYTES: usize = 18;

    /// 128 bits in base64; nothing shorter could be one of ours, or hard to guess.
    pub const BYTES_MIN: usize = 22;

    /// Room for the ids of other servers, with which clients come after a change of servers.
    pub const BYTES_MAX: usize = 64;

    /// A name made of randomness.
    #[must_use]
    pub fn draw(random: [u8; Self::RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random).into())
    }

    /// The first bytes of what a name is made of, where the driver may have put what tells it
    /// whose name it is. None if it cannot be one of ours.
    #[must_use]
    pub fn beginning(&self) -> Option<[u8; 2]> {
        let bytes = URL_SAFE_NO_PAD.decode(&*self.0).ok()?;
        let bytes: [u8; Self::RANDOM_BYTES] = bytes.try_into().ok()?;
        Some([bytes[0], bytes[1]])
    }

    /// A name that a client tells. None if it cannot be one: of a wrong length, or of letters that
    /// are not in URL-safe base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_length_right = (Self::BYTES_MIN..=Self::BYTES_MAX).contains(&text.len());
        let are_letters_right =
            text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
        (is_length_right && are_letters_right).then(|| Self(text.into()))
    }

    /// The name. Needs no escapes in JSON or in a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_recognised() {
        for fill in [0, 0x5a, 0xff] {
            let sid = Sid::draw([fill; Sid::RANDOM_BYTES]);
            assert_eq!(sid.as_str().len(), 24);
            assert_eq!(sid.beginning(), Some([fill; 2]));
            assert_eq!(Sid::parse(sid.as_str()), Some(sid));
        }
    }

    #[test]
    fn what_somebody_else_drew_tells_nothing() {
        let told = |it: &str| Sid::parse(it).and_then(|it| it.beginning());
        assert_eq!(told("abcdefghijklmnopqrstuv"), None);
        assert_eq!(told("abcdefghijklmnopqrstuvwxyz"), None);
    }

    /// F13: nothing short enough to guess, and nothing that means something elsewhere.
    #[test]
    fn what_cannot_be_one_is_told_at_once() {
        let right = "abcdefghijklmnopqrstuv";
        assert!(Sid::parse(right).is_some());
        for wrong in
            ["", "1", "__proto__", "constructor", &right[1..], "abcdefghijklmnopqrstu\u{e9}"]
        {
            assert_eq!(Sid::parse(wrong), None, "{wrong}");
        }
        for letter in ["%", "/", "\"", "\\", "\n", " ", "+", "="] {
            assert_eq!(Sid::parse(&format!("{right}{letter}")), None, "{letter}");
        }
        assert_eq!(Sid::parse(&"a".repeat(65)), None);
    }

    #[test]
    fn it_does_not_appear_in_logs() {
        assert_eq!(format!("{:?}", Sid::draw([7; Sid::RANDOM_BYTES])), "Sid(..)");
    }
}
