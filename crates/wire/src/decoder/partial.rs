//! What has begun and not ended on one connection. It exists only meanwhile.

use super::{Bounds, Ready};
use crate::Fault;
use crate::copy::append;
use crate::frame::{self, CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Header, Opcode, Writer};

/// The half of a header, a control frame, a message, in any combination: a control frame may come
/// between the fragments of a message, and itself be cut anywhere.
#[derive(Debug)]
pub(super) struct Partial {
    head: [u8; HEADER_BYTES_MAX],
    head_count: usize,
    /// The frame whose payload is arriving, and how much of it was read.
    pub(super) frame: Option<(Header, usize)>,
    control: [u8; CONTROL_BYTES_MAX],
    control_count: usize,
    pub(super) message: Option<Message>,
    lent: Lent,
}

/// A message of which some fragment, or some of one, is here.
#[derive(Debug)]
pub(super) struct Message {
    opcode: Opcode,
    pub(super) compressed: bool,
    pub(super) bytes: Vec<u8>,
    /// Invariant: `bytes[..checked]` is UTF-8, if this is text and not compressed.
    checked: usize,
    /// Frames so far, empty ones included.
    pub(super) fragments: u32,
}

/// What the last call handed out and the next may throw away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lent {
    Nothing,
    Control,
    Message,
}

impl Default for Partial {
    fn default() -> Self {
        Self {
            head: [0; HEADER_BYTES_MAX],
            head_count: 0,
            frame: None,
            control: [0; CONTROL_BYTES_MAX],
            control_count: 0,
            message: None,
            lent: Lent::Nothing,
        }
    }
}

impl Partial {
    /// Whether more bytes must come to complete something.
    pub(super) fn is_waiting(&self) -> bool {
        let message = self.message.is_some() && self.lent != Lent::Message;
        message || self.frame.is_some() || self.head_count > 0
    }

    /// Heap bytes, this box included.
    pub(super) fn kept_bytes(&self) -> usize {
        size_of::<Self>() + self.message.as_ref().map_or(0, |it| it.bytes.capacity())
    }

    /// Throws away what was lent; says whether anything is left.
    pub(super) fn take_back(&mut self) -> bool {
        match self.lent {
            Lent::Nothing => {}
            Lent::Control => self.control_count = 0,
            Lent::Message => self.message = None,
        }
        self.lent = Lent::Nothing;
        self.is_waiting()
    }

    pub(super) fn lend_control(&mut self) -> &[u8] {
        self.lent = Lent::Control;
        self.control.get(..self.control_count).unwrap_or_default()
    }

    pub(super) fn lend_message(&mut self) -> &[u8] {
        self.lent = Lent::Message;
        self.message.as_ref().map_or(&[], |it| &it.bytes)
    }

    /// Completes the header begun before from `input`; says how much of it that took.
    pub(super) fn header(
        &mut self,
        input: &[u8],
        deflate: bool,
    ) -> Result<Option<(Header, usize)>, Fault> {
        let room = self.head.get_mut(self.head_count..).unwrap_or_default();
        let count = room.len().min(input.len());
        room.iter_mut().zip(input).for_each(|(to, from)| *to = *from);

        let had = self.head_count;
        let bytes = self.head.get(..had + count).unwrap_or_default();
        match frame::parse(bytes, Writer::Client, deflate)? {
            Some(header) => {
                self.head_count = 0;
                Ok(Some((header, header.header_bytes - had)))
            }
            None => {
                self.head_count += count;
                Ok(None)
            }
        }
    }

    /// Keeps a piece of the payload of the frame; `read` bytes of it came before.
    pub(super) fn keep(
        &mut self,
        header: &Header,
        read: usize,
        piece: &[u8],
        bounds: &Bounds,
    ) -> Result<Ready, Fault> {
        let read = read + piece.len();
        let whole = read as u64 == header.length;
        self.frame = (!whole).then_some((*header, read));
        if header.opcode.is_control() {
            return Ok(self.keep_control(header.opcode, whole, piece));
        }
        let message = self.message.get_or_insert_with(|| Message::begin(header));
        message.append(piece, bounds)?;
        if !(whole && header.fin) {
            return Ok(Ready::Nothing);
        }
        message.end()?;
        Ok(Ready::Message { opcode: message.opcode, compressed: message.compressed })
    }

    fn keep_control(&mut self, opcode: Opcode, whole: bool, piece: &[u8]) -> Ready {
        let room = self.control.get_mut(self.control_count..).unwrap_or_default();
        room.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
        self.control_count += piece.len();
        if whole { Ready::Control { opcode } } else { Ready::Nothing }
    }
}

impl Message {
    fn begin(header: &Header) -> Self {
        Self {
            opcode: header.opcode,
            compressed: header.compressed,
            bytes: Vec::new(),
            checked: 0,
            fragments: 1,
        }
    }

    /// Adds a piece that the bounds have room for.
    fn append(&mut self, piece: &[u8], bounds: &Bounds) -> Result<(), Fault> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.bytes.capacity() {
            // Doubling, so that a message costs linear work, but never past what it may become.
            let most = bounds.wire_bytes_max(self.compressed);
            let target = needed.max(self.bytes.capacity().saturating_mul(2).min(most));
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        append(&mut self.bytes, piece);
        self.check()
    }

    /// Checks text as it comes, so that what cannot become UTF-8 is refused at its first byte and
    /// not at the end of the message (Autobahn 6.4).
    fn check(&mut self) -> Result<(), Fault> {
        if self.opcode != Opcode::Text || self.compressed {
            return Ok(());
        }
        let unchecked = self.bytes.get(self.checked..).unwrap_or_default();
        match str::from_utf8(unchecked) {
            Ok(_) => self.checked = self.bytes.len(),
            // No length of error: a character that is cut, and may be continued.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Fault::NotUtf8),
        }
        Ok(())
    }

    /// Whether the message may end here: not within a character.
    fn end(&self) -> Result<(), Fault> {
        let cut =
            self.opcode == Opcode::Text && !self.compressed && self.checked < self.bytes.len();
        if cut { Err(Fault::NotUtf8) } else { Ok(()) }
    }
}
