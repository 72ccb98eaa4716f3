//! The head of an HTTP/1.1 request: enough of it to decide who gets the connection.
//!
//! What is not an upgrade is handed, bytes and all, to an HTTP server that parses it once more. So
//! whatever two parsers have been known to read differently is refused here, for every request:
//! the two must never disagree about where a request ends (threats H4, H5, H6).

mod rules;
mod scan;

use thiserror::Error;

pub(crate) use rules::is_token;
pub use scan::HeadScan;

/// How much head is read before a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes up to and including the blank line.
    pub bytes_max: usize,
    /// Header lines.
    pub headers_max: usize,
}

impl Default for HeadLimits {
    /// 16 KiB holds a token of 8 KiB and a browser's cookies; no browser sends forty headers.
    fn default() -> Self {
        Self { bytes_max: 16 * 1024, headers_max: 100 }
    }
}

/// Why a request is refused before it is understood. The connection is of no further use: after
/// this nobody can say where the next request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeadFault {
    /// Past [`HeadLimits::bytes_max`] without an end.
    #[error("the request head is too large")]
    TooLarge,
    /// Past [`HeadLimits::headers_max`].
    #[error("the request has too many headers")]
    TooManyHeaders,
    /// Not `METHOD target HTTP/1.x`.
    #[error("the request line is malformed")]
    RequestLine,
    /// The target is not a path, or has bytes that belong percent-encoded.
    #[error("the request target must be a path in ASCII")]
    Target,
    /// A header line is malformed: no colon, a space before it, a forbidden byte.
    #[error("a header line is malformed")]
    HeaderLine,
    /// A line ends in LF alone, or has a CR within (RFC 9112 2.2).
    #[error("lines must end in CR LF")]
    LineEnd,
    /// A header goes on in a second line (RFC 9112 5.2).
    #[error("a header must not be folded over lines")]
    Folded,
    /// No Host, two, or one that is no host (RFC 9112 3.2).
    #[error("a request has exactly one Host")]
    Host,
    /// Content-Length twice, not a number, or beside Transfer-Encoding (RFC 9112 6.3).
    #[error("the length of the request is ambiguous")]
    Length,
    /// Transfer-Encoding twice, other than chunked, or in HTTP/1.0 (RFC 9112 6.1).
    #[error("the transfer encoding is not one we read")]
    TransferEncoding,
}

impl HeadFault {
    /// The HTTP status that answers.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge | Self::TooManyHeaders => 431,
            Self::RequestLine
            | Self::Target
            | Self::HeaderLine
            | Self::LineEnd
            | Self::Folded
            | Self::Host
            | Self::Length
            | Self::TransferEncoding => 400,
        }
    }
}

/// A request head, borrowed from the bytes it came in.
#[derive(Clone, Debug)]
pub struct Head<'b> {
    /// `GET` and its kin; a token.
    pub method: &'b str,
    /// As on the wire: ASCII, beginning with `/`, or `*`.
    pub target: &'b str,
    /// 0 or 1, of HTTP/1.0 and HTTP/1.1.
    pub minor: u8,
    headers: Vec<httparse::Header<'b>>,
}

impl<'b> Head<'b> {
    /// The target up to the question mark. Not decoded.
    #[must_use]
    pub fn path(&self) -> &'b str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// The target after the question mark, if it has one. Not decoded.
    #[must_use]
    pub fn query(&self) -> Option<&'b str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first header of this name, in any case, without surrounding blanks.
    ///
    /// A value that is not UTF-8 reads as [`UNREADABLE`]: present, so that it does not pass for
    /// absent, and equal to nothing anybody allows. [`Self::header_bytes`] has what was sent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'b str> {
        self.headers(name).next()
    }

    /// All headers of this name, in the order they came; each as [`Self::header`] reads it.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'b str> {
        self.values(name).map(|it| str::from_utf8(it).unwrap_or(UNREADABLE))
    }

    /// The first header of this name as the bytes that came.
    #[must_use]
    pub fn header_bytes(&self, name: &str) -> Option<&'b [u8]> {
        self.values(name).next()
    }

    /// Every header in its order, names as they were spelled.
    pub fn all_headers(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> {
        self.headers.iter().map(|it| (it.name, it.value))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        self.headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value)
    }
}

/// What a header value that is not UTF-8 reads as: the replacement character.
pub const UNREADABLE: &str = "\u{fffd}";

/// Parses the head at the front of `bytes`, and says how many of them it is.
///
/// `None` means that its end has not come. To feed a growing buffer keep a [`HeadScan`], which
/// looks at each byte once; this function alone looks from the beginning each time.
///
/// # Errors
/// The first reason to refuse it. Reasons that concern only upgrades are
/// [`crate::handshake`]'s.
pub fn parse_head<'b>(
    bytes: &'b [u8],
    limits: &HeadLimits,
) -> Result<Option<(Head<'b>, usize)>, HeadFault> {
    let Some(end) = HeadScan::default().find(bytes, limits)? else { return Ok(None) };
    let head = bytes.get(..end).unwrap_or(bytes);

    let mut headers = vec![httparse::EMPTY_HEADER; limits.headers_max];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(head).map_err(|error| match error {
        httparse::Error::TooManyHeaders => HeadFault::TooManyHeaders,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => HeadFault::HeaderLine,
        httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token
        | httparse::Error::Version => HeadFault::RequestLine,
    })?;
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(HeadFault::RequestLine);
    };
    // The scan found the end; a parser that finds another one reads something else than we do.
    if parsed != httparse::Status::Complete(end) {
        return Err(HeadFault::HeaderLine);
    }
    let count = request.headers.len();
    headers.truncate(count);
    let head = Head { method, target, minor, headers };
    rules::check(&head)?;
    Ok(Some((head, end)))
}

#[cfg(test)]
mod tests;
