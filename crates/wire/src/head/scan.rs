//! Finds the end of a head in a buffer that grows, looking at each byte once.

use super::{HeadFault, HeadLimits};

/// Where the search stands. One for each connection whose head is not complete.
///
/// Parsing from the beginning whenever a byte comes costs the square of the head; a client that
/// sends sixteen thousand single bytes would make us read a hundred million (threat H5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScan {
    scanned: usize,
    line_begin: usize,
}

impl HeadScan {
    /// The length of the head, once its blank line is in `bytes`; `None` before.
    ///
    /// `bytes` is the whole buffer each time, grown at its end or as it was.
    ///
    /// # Errors
    /// What no further bytes can mend: it is too large, a line ends wrongly or is folded, or
    /// this is not HTTP at all.
    pub fn find(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadFault> {
        // A TLS or binary greeting on a plain port is refused at its first byte. Some servers skip
        // blank lines before a request; two that disagree about that can be played off.
        if bytes.first().is_some_and(|it| !it.is_ascii_alphabetic()) {
            return Err(HeadFault::RequestLine);
        }
        let seen = bytes.get(..limits.bytes_max).unwrap_or(bytes);
        while let Some(length) = self.line(seen)? {
            if length == 0 {
                return Ok(Some(self.scanned));
            }
        }
        if bytes.len() >= limits.bytes_max { Err(HeadFault::TooLarge) } else { Ok(None) }
    }

    /// Goes past the next line and says how long it is, without its CR LF.
    fn line(&mut self, seen: &[u8]) -> Result<Option<usize>, HeadFault> {
        let unseen = seen.get(self.scanned..).unwrap_or_default();
        let Some(distance) = unseen.iter().position(|it| *it == b'\n') else {
            self.scanned = seen.len();
            return Ok(None);
        };
        let line_end = self.scanned + distance;
        let line = seen.get(self.line_begin..line_end).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r") else { return Err(HeadFault::LineEnd) };
        if line.contains(&b'\r') {
            return Err(HeadFault::LineEnd);
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(HeadFault::Folded);
        }
        self.line_begin = line_end + 1;
        self.scanned = line_end + 1;
        Ok(Some(line.len()))
    }
}
