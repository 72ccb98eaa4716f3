//! How far a client has heard, in all its channels at once: what a Socket.IO client names when it
//! comes back after an interruption.
//!
//! A home passes its messages on one after the other, and every shard hears them in that order. So
//! one number for each home says how far everyone on a shard has heard in all channels that are at
//! home there, and one text says it for a whole room of them. There are two numbers, because
//! messages that wait for the disk and those that do not overtake each other.
//!
//! ```text
//!   .3e8 ._2b71c04 ~17.den             the last value of an event, without the blanks
//!   home 0: row 0x3e8 was passed on    ~ and in `den`, offset 0x17
//!        home 1: 0x2b71c04, never on disk
//! ```

use std::fmt;

use proto::{ChannelName, Offset};

/// Which of the messages that its home passes on this is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stamp {
    /// Nobody can ask for it again: a signal, a notice, a message of a channel without a log.
    #[default]
    None,
    /// It was passed on once it was on disk, in this row. Rows are counted over all channels and
    /// outlive the process.
    Disk(u64),
    /// It was passed on as it came. Counted by the home from a random start, so that what another
    /// process counted does not fit.
    Live(u64),
}

/// The last that a home has passed on; `None`: nothing that is known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reached {
    pub disk: Option<u64>,
    pub live: Option<u64>,
}

impl Reached {
    pub fn advance(&mut self, stamp: Stamp) {
        match stamp {
            Stamp::None => {}
            Stamp::Disk(row) => self.disk = self.disk.max(Some(row)),
            Stamp::Live(count) => self.live = self.live.max(Some(count)),
        }
    }

    pub fn advance_to(&mut self, other: Self) {
        *self = Self { disk: self.disk.max(other.disk), live: self.live.max(other.live) };
    }
}

/// Everything up to here has been heard, or was sent before what carries this.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Position {
    /// By home shard, for as many shards as there were.
    pub homes: Vec<Reached>,
    /// Channels in which the client is elsewhere, because it was still catching up.
    pub elsewhere: Vec<(ChannelName, Offset)>,
}

impl Position {
    /// Every shard there may be, and a hundred channels besides. Whoever was behind in more than
    /// fit begins anew when it is cut off once more.
    pub const BYTES_MAX: usize = 4096;

    /// Reads what a client says. `None` if it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if Self::BYTES_MAX < text.len() {
            return None;
        }
        let mut parts = text.split('~');
        let numbers = parts.next()?.strip_prefix('.')?.split('.');
        let homes = numbers.map(Reached::parse).collect::<Option<_>>()?;
        let elsewhere = parts.map(place).collect::<Option<_>>()?;
        Some(Self { homes, elsewhere })
    }

    /// Where it is in a channel that it says apart.
    pub(crate) fn elsewhere(&self, channel: &ChannelName) -> Option<Offset> {
        self.elsewhere.iter().find(|it| it.0 == *channel).map(|it| it.1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for home in &self.homes {
            write!(f, ".{home}")?;
        }
        write!(f, "{}", Elsewhere(&self.elsewhere))
    }
}

/// The end of a position: places that are said apart.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere<'a>(pub &'a [(ChannelName, Offset)]);

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (channel, offset) in self.0 {
            write!(f, "~{:x}.{channel}", offset.0)?;
        }
        Ok(())
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.disk {
            write!(f, "{row:x}")?;
        }
        if let Some(count) = self.live {
            write!(f, "_{count:x}")?;
        }
        Ok(())
    }
}

impl Reached {
    fn parse(text: &str) -> Option<Self> {
        let (disk, live) = match text.split_once('_') {
            Some((disk, live)) => (disk, Some(hex(live)?)),
            None => (text, None),
        };
        let disk = if disk.is_empty() { None } else { Some(hex(disk)?) };
        Some(Self { disk, live })
    }
}

fn place(text: &str) -> Option<(ChannelName, Offset)> {
    let (offset, channel) = text.split_once('.')?;
    Some((ChannelName::parse(channel).ok()?, Offset(hex(offset)?)))
}

fn hex(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|it| it.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood_again() {
        let den = ChannelName::parse("den:a.b").unwrap();
        let homes = vec![
            Reached::default(),
            Reached { disk: Some(0x3e8), live: None },
            Reached { disk: None, live: Some(0x2b7) },
            Reached { disk: Some(u64::MAX), live: Some(u64::MAX) },
        ];
        let position = Position { homes, elsewhere: vec![(den, Offset(0x17))] };
        let text = position.to_string();
        assert_eq!(text, "..3e8._2b7.ffffffffffffffff_ffffffffffffffff~17.den:a.b");
        assert_eq!(Position::parse(&text), Some(position));
    }

    #[test]
    fn what_others_say_is_not() {
        let long = format!(".{}", "1".repeat(Position::BYTES_MAX));
        for text in
            ["", "hello", "1", ".x", ".1_", ".+1", ".1~", ".1~1.", ".1~1.$own", ".1~den", &long]
        {
            assert_eq!(Position::parse(text), None, "{text:.40}");
        }
    }

    #[test]
    fn numbers_only_grow() {
        let mut reached = Reached::default();
        for stamp in [Stamp::Disk(5), Stamp::Disk(3), Stamp::Live(2), Stamp::None] {
            reached.advance(stamp);
        }
        assert_eq!(reached, Reached { disk: Some(5), live: Some(2) });
        reached.advance_to(Reached { disk: Some(7), live: None });
        assert_eq!(reached, Reached { disk: Some(7), live: Some(2) });
    }
}
