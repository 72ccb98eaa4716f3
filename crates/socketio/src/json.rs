//! Finds values in JSON text without building them.
//!
//! What a client says passes through to others as it was written. So the text is looked over once,
//! held to the grammar and to a depth, and from then on only slices of it travel. Keys that mean
//! something to somebody's objects (`__proto__`, `constructor`) are text here like any other.

use std::ops::Range;

use thiserror::Error;

use crate::sio::Attachments;

/// Arrays and objects inside each other, a packet's own array included. People nest three or four
/// deep; readers of JSON that call themselves for each level fall over at some thousands.
pub const DEPTH_MAX: usize = 64;

/// What is wrong with a text that should be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// It breaks the grammar of RFC 8259.
    #[error("not JSON")]
    NotJson,
    /// It is nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// A placeholder of a binary packet without a whole number below the count of attachments, or
    /// with one that was there before.
    #[error("a placeholder that stands for no attachment of its own")]
    Placeholder,
}

/// The text of one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// `null`.
    pub const NULL: Self = Self("null");

    /// Looks a text over: one value, nothing around it, not too deep.
    pub fn parse(text: &'a str) -> Result<Self, JsonFault> {
        let mut scan = Scan::new(text, None);
        scan.value(0)?;
        scan.end()?;
        Ok(Self(text))
    }

    /// A text that has been looked over before, here or by serde. It is not looked at again; what
    /// is not JSON would reach clients as it is.
    #[must_use]
    pub fn known(text: &'a str) -> Self {
        debug_assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok());
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The string this value is, if it is one and all its escapes are characters.
    #[must_use]
    pub fn to_text(self) -> Option<String> {
        self.0.starts_with('"').then(|| serde_json::from_str(self.0).ok()).flatten()
    }

    /// The value of this object's member. None if it has none of that name, or two.
    #[must_use]
    pub fn member(self, name: &str) -> Option<Self> {
        let mut scan = Scan::new(self.0, None);
        if !scan.take(b'{') {
            return None;
        }
        let mut found = None;
        while let Some((key, value)) = scan.known_member() {
            if is_key(key, name) && found.replace(value).is_some() {
                return None;
            }
        }
        found
    }
}

/// Values between commas, in a text that was looked over before.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    scan: Scan<'a>,
}

impl<'a> Items<'a> {
    pub(crate) fn new(inner: &'a str) -> Self {
        Self { scan: Scan::new(inner, None) }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.scan.known_value()?;
        self.scan.take(b',');
        Some(item)
    }
}

/// What is between the brackets of a text that is an array and nothing else. With attachments,
/// each placeholder in it must stand for one of them, and all of them must be stood for.
pub(crate) fn array(
    text: &str,
    attachments: Option<Attachments>,
) -> Result<Range<usize>, JsonFault> {
    let mut scan = Scan::new(text, attachments);
    if scan.peek() != Some(b'[') {
        return Err(JsonFault::NotJson);
    }
    scan.value(0)?;
    scan.end()?;
    match scan.attachments {
        Some(it) if !it.are_all_used() => Err(JsonFault::Placeholder),
        Some(_) | None => Ok(1..text.len() - 1),
    }
}

/// The string at the beginning of what is between an array's brackets: where it stands, without
/// its quotes, and where the values after it begin.
pub(crate) fn leading_string(inner: &str) -> Option<(Range<usize>, usize)> {
    let mut scan = Scan::new(inner, None);
    scan.blank();
    let from = scan.at + 1;
    scan.string().ok()?;
    let until = scan.at - 1;
    scan.blank();
    scan.take(b',');
    Some((from..until, scan.at))
}

/// Whether a key, as it is written, is that name. Escapes are another way to write the same.
fn is_key(written: &str, name: &str) -> bool {
    if written.contains('\\') {
        Json(&format!("\"{written}\"")).to_text().is_some_and(|it| it == name)
    } else {
        written == name
    }
}

#[derive(Clone, Debug)]
struct Scan<'a> {
    text: &'a str,
    at: usize,
    attachments: Option<Attachments>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, attachments: Option<Attachments>) -> Self {
        Self { text, at: 0, attachments }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonFault> {
        match self.peek().ok_or(JsonFault::NotJson)? {
            b'{' | b'[' if depth == DEPTH_MAX => Err(JsonFault::TooDeep),
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonFault> {
        self.expect(b'[')?;
        self.blank();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.blank();
            self.value(depth)?;
            self.blank();
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonFault> {
        self.expect(b'{')?;
        self.blank();
        if self.take(b'}') {
            return Ok(());
        }
        let mut stand_in = StandIn::default();
        loop {
            self.blank();
            let key = self.string()?;
            self.blank();
            self.expect(b':')?;
            self.blank();
            let from = self.at;
            self.value(depth)?;
            if self.attachments.is_some() {
                stand_in.see(key, self.text.get(from..self.at).unwrap_or_default())?;
            }
            self.blank();
            if !self.take(b',') {
                break;
            }
        }
        if let Some(attachments) = &mut self.attachments {
            stand_in.settle(attachments)?;
        }
        self.expect(b'}')
    }

    /// What is between the quotes, as it is written.
    fn string(&mut self) -> Result<&'a str, JsonFault> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            match self.next()? {
                b'"' => return self.text.get(from..self.at - 1).ok_or(JsonFault::NotJson),
                b'\\' => self.escape()?,
                0..0x20 => return Err(JsonFault::NotJson),
                _ => (),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonFault> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4).ok_or(JsonFault::NotJson)?;
                self.at += 4;
                let are_hex = digits.bytes().all(|it| it.is_ascii_hexdigit());
                if are_hex { Ok(()) } else { Err(JsonFault::NotJson) }
            }
            _ => Err(JsonFault::NotJson),
        }
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let from = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        if from < self.at { Ok(()) } else { Err(JsonFault::NotJson) }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonFault> {
        let is_there = self.text.get(self.at..).is_some_and(|it| it.starts_with(word));
        self.at += word.len();
        if is_there { Ok(()) } else { Err(JsonFault::NotJson) }
    }

    /// The next member of an object that was looked over before, from behind its brace or comma.
    fn known_member(&mut self) -> Option<(&'a str, Json<'a>)> {
        self.blank();
        let key = self.string().ok()?;
        self.blank();
        self.take(b':');
        let value = self.known_value()?;
        self.take(b',');
        Some((key, value))
    }

    fn known_value(&mut self) -> Option<Json<'a>> {
        self.blank();
        let from = self.at;
        self.value(0).ok()?;
        let item = Json(self.text.get(from..self.at)?);
        self.blank();
        Some(item)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, JsonFault> {
        let byte = self.peek().ok_or(JsonFault::NotJson)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.take(byte) { Ok(()) } else { Err(JsonFault::NotJson) }
    }

    fn end(&self) -> Result<(), JsonFault> {
        if self.at == self.text.len() { Ok(()) } else { Err(JsonFault::NotJson) }
    }

    fn is_blank(&self) -> bool {
        matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    fn blank(&mut self) {
        while self.is_blank() {
            self.at += 1;
        }
    }
}

/// What one object says of itself that would make it stand for an attachment.
#[derive(Debug, Default)]
struct StandIn<'a> {
    mark: Option<&'a str>,
    num: Option<&'a str>,
}

impl<'a> StandIn<'a> {
    /// A mark or number that is there twice means one thing to this reader and another to the next.
    fn see(&mut self, key: &str, value: &'a str) -> Result<(), JsonFault> {
        let place = if is_key(key, "_placeholder") {
            &mut self.mark
        } else if is_key(key, "num") {
            &mut self.num
        } else {
            return Ok(());
        };
        match place.replace(value) {
            Some(_) => Err(JsonFault::Placeholder),
            None => Ok(()),
        }
    }

    fn settle(self, attachments: &mut Attachments) -> Result<(), JsonFault> {
        if self.mark != Some("true") {
            return Ok(());
        }
        // Digits alone: no sign, no fraction, no exponent.
        let index = self.num.and_then(|it| it.parse::<u8>().ok());
        if index.is_some_and(|it| attachments.use_up(it)) {
            Ok(())
        } else {
            Err(JsonFault::Placeholder)
        }
    }
}

#[cfg(test)]
mod tests;
