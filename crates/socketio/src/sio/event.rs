//! An event: a name, and values.

use std::{fmt, ops::Range, sync::Arc};

use super::{Args, Fault};
use crate::json::{Json, leading_string};

/// Names that mean something to the libraries themselves, on one side or the other. An event that
/// could be called so would be taken for the real thing by whoever listens.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What an event is called. Any text but the reserved names; `__proto__` and the empty one are
/// names like any other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EventName<'a>(&'a str);

impl<'a> EventName<'a> {
    /// [`Fault::NameReserved`] for a name that Socket.IO keeps for itself.
    pub fn parse(name: &'a str) -> Result<Self, Fault> {
        if RESERVED.contains(&name) { Err(Fault::NameReserved) } else { Ok(Self(name)) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// What a client says.
#[derive(Clone, Eq, PartialEq)]
pub struct Event {
    packet: Arc<str>,
    name: Name,
    /// All that stood behind the name.
    pub args: Args,
}

#[derive(Clone, Eq, PartialEq)]
enum Name {
    /// As it stands in the packet.
    Plain(Range<usize>),
    /// Its escapes undone.
    Escaped(Box<str>),
}

impl Event {
    /// `inner` is where the packet has what is between the brackets of its array.
    pub(crate) fn read(packet: Arc<str>, inner: Range<usize>) -> Result<Self, Fault> {
        let values = packet.get(inner.clone()).unwrap_or_default();
        let (at, rest) = leading_string(values).ok_or(Fault::NameMissing)?;
        let name = match values.get(at.clone()).unwrap_or_default() {
            plain if !plain.contains('\\') => {
                Name::Plain(inner.start + at.start..inner.start + at.end)
            }
            // Half of a pair of surrogates is a string in JavaScript, and no text anywhere else.
            escaped => Json::known(&format!("\"{escaped}\""))
                .to_text()
                .map(|it| Name::Escaped(it.into()))
                .ok_or(Fault::NameMissing)?,
        };
        let args = Args::new(packet.clone(), inner.start + rest..inner.end, Arc::default());
        let event = Self { packet, name, args };
        EventName::parse(event.name().as_str())?;
        Ok(event)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> EventName<'_> {
        EventName(match &self.name {
            Name::Plain(at) => self.packet.get(at.clone()).unwrap_or_default(),
            Name::Escaped(name) => name,
        })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({:?}, {:?})", self.name().as_str(), self.args)
    }
}
