//! Payloads: what a POST brings and what a GET takes, packets with 0x1e between them.

use super::{Fault, Packet};
use crate::Frame;

/// ASCII's record separator. JSON may not contain it unescaped, so it never stands in a packet.
const SEPARATOR: char = '\u{1e}';

/// The packets of a payload, each read or refused. After the first fault there is nothing to be
/// trusted in it. Costs nothing for packets that are not asked for.
pub fn packets(text: &str, count_max: usize) -> impl Iterator<Item = Result<Packet<'_>, Fault>> {
    text.split(SEPARATOR).enumerate().map(move |(index, it)| {
        if index < count_max { Packet::read_polled(it) } else { Err(Fault::TooManyPackets) }
    })
}

/// The answer to a GET.
#[must_use]
pub fn payload<'a>(frames: impl IntoIterator<Item = &'a Frame> + Clone) -> String {
    let length = frames.clone().into_iter().map(|it| it.polled_bytes() + 1).sum();
    let mut out = String::with_capacity(length);
    for frame in frames {
        if !out.is_empty() {
            out.push(SEPARATOR);
        }
        frame.poll_into(&mut out);
    }
    out
}

/// A POST body on its way. Nothing is set aside for what is only announced, and the first byte too
/// many is the last one looked at (F13).
#[derive(Debug, Default)]
pub(crate) struct Body {
    bytes: Vec<u8>,
}

impl Body {
    pub(crate) fn take(&mut self, bytes: &[u8], bytes_max: usize) -> Result<(), Fault> {
        if bytes_max - self.bytes.len() < bytes.len() {
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<String, Fault> {
        String::from_utf8(self.bytes).map_err(|_| Fault::NotUtf8)
    }
}

#[cfg(test)]
mod tests;
