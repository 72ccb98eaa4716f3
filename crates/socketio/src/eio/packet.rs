//! Engine.IO packets: a digit, and what it carries.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::Fault;

/// With or without padding: there are clients of both kinds, and it says nothing either way.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A packet from a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Packet<'a> {
    /// The client is leaving.
    Close,
    /// `2probe`, on a WebSocket that comes to upgrade. Only servers ping otherwise.
    Probe,
    /// It is there.
    Pong,
    /// A text for whoever is above.
    Text(&'a str),
    /// Bytes for whoever is above.
    Binary(Cow<'a, [u8]>),
    /// From here on by this WebSocket.
    Upgrade,
    /// Nothing.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads the text of a WebSocket message.
    pub fn read(text: &'a str) -> Result<Self, Fault> {
        let (kind, rest) = text.split_at_checked(1).ok_or(match text {
            "" => Fault::Empty,
            _ => Fault::UnknownType,
        })?;
        match (kind, rest) {
            ("4", text) => Ok(Self::Text(text)),
            ("1", "") => Ok(Self::Close),
            ("2", "probe") => Ok(Self::Probe),
            ("3", "") => Ok(Self::Pong),
            ("5", "") => Ok(Self::Upgrade),
            ("6", "") => Ok(Self::Noop),
            ("0" | "2", _) => Err(Fault::WrongDirection),
            ("1" | "3" | "5" | "6", _) => Err(Fault::Trailing),
            _ => Err(Fault::UnknownType),
        }
    }

    /// Reads one packet of a payload, where bytes are written as text.
    pub fn read_polled(text: &'a str) -> Result<Self, Fault> {
        match text.strip_prefix('b') {
            Some(base64) => {
                let bytes = BASE64.decode(base64).map_err(|_| Fault::BadBase64)?;
                Ok(Self::Binary(bytes.into()))
            }
            None => Self::read(text),
        }
    }
}

#[cfg(test)]
mod tests;
