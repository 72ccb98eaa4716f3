//! Takes apart what a client sends: frames into messages and control frames.
//!
//! The caller owns one read buffer for all its connections and calls [`Decoder::next`] until it is
//! used up. A message that lies whole in the buffer is unmasked in place and handed out as a slice
//! of it. Only what has begun and not ended is kept, in a box that exists only meanwhile, so an
//! idle connection costs the two words of a [`Decoder`].
//!
//! What is kept grows by the bytes that arrived, never by the length a header declares.

mod partial;

use std::ops::Range;

use crate::frame::{self, HEADER_BYTES_MAX, Header, Opcode, Writer};
use crate::{Fault, Inflater, unmask};
use partial::Partial;

/// What a message may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Longest message, after inflating. Passing it is close code 1009.
    pub message_bytes_max: usize,
    /// Most frames one message may come in, empty ones included. Passing it is close code 1008.
    pub fragments_max: u32,
    /// A compressed message may inflate to this many times its size; enforced only beyond
    /// [`RATIO_FREE_BYTES`], since short messages may well be all spaces. Close code 1009.
    pub ratio_max: u32,
}

/// Inflated bytes up to which [`Bounds::ratio_max`] is not asked: a bomb this small is none.
pub const RATIO_FREE_BYTES: usize = 64 * 1024;

impl Default for Bounds {
    /// 256 KiB, above any message a browser of ours sends; 1 024 fragments, where clients send
    /// one; and 100 to one, where JSON compresses five to one and deflate cannot pass 1 032.
    fn default() -> Self {
        Self { message_bytes_max: 256 * 1024, fragments_max: 1024, ratio_max: 100 }
    }
}

impl Bounds {
    /// Most bytes of a message as they are on the wire.
    ///
    /// Deflate makes what it cannot compress longer: by a thousandth if it stores it, and by an
    /// eighth if it is a fast one that knows one code only. An honest message of the greatest
    /// length still fits.
    fn wire_bytes_max(&self, compressed: bool) -> usize {
        if compressed {
            self.message_bytes_max.saturating_add(self.message_bytes_max / 8 + 64)
        } else {
            self.message_bytes_max
        }
    }
}

/// What came of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many bytes of the input are dealt with; the next call begins after them.
    pub consumed: usize,
    /// What arrived, if anything. `None` means that all input is consumed and more is needed.
    pub arrived: Option<Arrived<'a>>,
}

/// Something whole that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived<'a> {
    /// A text message, inflated and known to be UTF-8.
    Text(&'a str),
    /// A binary message, inflated.
    Binary(&'a [u8]),
    /// Answer with [`crate::pong`] of the same payload.
    Ping(&'a [u8]),
    /// The answer to a ping, or a sign of life.
    Pong(&'a [u8]),
    /// The client closes; code and reason, if it gave any. Nothing is decoded after it.
    Close(Option<(u16, &'a str)>),
}

/// The reading half of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Invariant: `None` whenever no frame or message is half here and nothing is lent out.
    partial: Option<Box<Partial>>,
    /// A close or a fault came; what follows is not looked at.
    over: bool,
}

/// Where the bytes of an arrival lie. Separate from [`Arrived`] so that deciding and lending are
/// two steps, and only the second borrows.
enum Ready {
    Nothing,
    Input { opcode: Opcode, compressed: bool, range: Range<usize> },
    Control { opcode: Opcode },
    Message { opcode: Opcode, compressed: bool },
}

impl Decoder {
    /// Decodes up to the next arrival. `input` is unmasked in place.
    ///
    /// Call again with the bytes after `consumed` until `arrived` is `None`; the last call also
    /// gives back the memory of what was handed out before it. `inflater` is `Some` exactly when
    /// permessage-deflate was negotiated: without it a compressed frame is a fault.
    ///
    /// # Errors
    /// The first violation. After it, or after a close, all input is consumed and ignored.
    pub fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        bounds: &Bounds,
        inflater: Option<&'a mut Inflater>,
    ) -> Result<Step<'a>, Fault> {
        if self.over {
            self.partial = None;
            return Ok(Step { consumed: input.len(), arrived: None });
        }
        let (consumed, ready) = match self.advance(input, bounds, inflater.is_some()) {
            Ok(advanced) => advanced,
            Err(fault) => {
                *self = Self { partial: None, over: true };
                return Err(fault);
            }
        };
        let Self { partial, over } = self;
        let lent = lend(ready, input, partial.as_deref_mut(), bounds, inflater);
        *over = matches!(lent, Err(_) | Ok(Some(Arrived::Close(_))));
        Ok(Step { consumed, arrived: lent? })
    }

    /// Whether a frame or message has begun and is not complete. The caller keeps a deadline on
    /// it, so that a client cannot hold memory by sending a byte now and then.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.over && self.partial.as_ref().is_some_and(|it| it.is_waiting())
    }

    /// Bytes kept on the heap for what is partial, for the account of memory.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |it| it.kept_bytes())
    }

    /// Reads frames until something is whole or the input ends.
    fn advance(
        &mut self,
        input: &mut [u8],
        bounds: &Bounds,
        deflate: bool,
    ) -> Result<(usize, Ready), Fault> {
        self.take_back();
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let (header, read, begun) = match self.frame_begun() {
                Some((header, read)) => (header, read, true),
                None => match self.header(rest, deflate)? {
                    Some((header, taken)) => {
                        self.admit(&header, bounds)?;
                        at += taken;
                        (header, 0, false)
                    }
                    None => return Ok((input.len(), Ready::Nothing)),
                },
            };
            let begin = at;
            let left = usize::try_from(header.length).unwrap_or(usize::MAX) - read;
            at += left.min(input.len() - begin);
            let piece = input.get_mut(begin..at).unwrap_or_default();
            unmask(piece, header.key, read);

            let whole = piece.len() == left;
            if whole && !begun && header.stands_alone() {
                let Header { opcode, compressed, .. } = header;
                return Ok((at, Ready::Input { opcode, compressed, range: begin..at }));
            }
            let ready = self.keep(&header, read, piece, bounds)?;
            if !whole || !matches!(ready, Ready::Nothing) {
                return Ok((at, ready));
            }
        }
    }

    /// Gives up what the last call lent out, and the box if nothing else is in it.
    fn take_back(&mut self) {
        if let Some(partial) = &mut self.partial
            && !partial.take_back()
        {
            self.partial = None;
        }
    }

    /// The frame whose payload is arriving, and how much of it was read.
    fn frame_begun(&self) -> Option<(Header, usize)> {
        self.partial.as_ref().and_then(|it| it.frame)
    }

    /// The next header, and how many bytes of `input` it took; keeps them all when they are too
    /// few.
    fn header(&mut self, input: &[u8], deflate: bool) -> Result<Option<(Header, usize)>, Fault> {
        if let Some(partial) = &mut self.partial {
            return partial.header(input, deflate);
        }
        match frame::parse(input, Writer::Client, deflate)? {
            Some(header) => Ok(Some((header, header.header_bytes))),
            None if input.is_empty() => Ok(None),
            None => self.partial.insert(Box::default()).header(input, deflate),
        }
    }

    /// Whether the frame fits what came before it and the bounds; asked before a byte is kept.
    fn admit(&mut self, header: &Header, bounds: &Bounds) -> Result<(), Fault> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let begun = self.partial.as_mut().and_then(|it| it.message.as_mut());
        let (kept, compressed, fragments) = match (header.opcode, begun) {
            (Opcode::Continuation, None) => return Err(Fault::NothingToContinue),
            (Opcode::Continuation, Some(message)) => {
                message.fragments = message.fragments.saturating_add(1);
                (message.bytes.len(), message.compressed, message.fragments)
            }
            (_, Some(_)) => return Err(Fault::Interleaved),
            (_, None) => (0, header.compressed, 1),
        };
        if fragments > bounds.fragments_max {
            return Err(Fault::TooManyFragments { fragments_max: bounds.fragments_max });
        }
        let room = bounds.wire_bytes_max(compressed).saturating_sub(kept);
        if usize::try_from(header.length).map_or(true, |length| length > room) {
            return Err(Fault::TooLong { bytes_max: bounds.message_bytes_max });
        }
        Ok(())
    }

    /// Keeps a piece of payload until the rest comes, and says what it completed.
    fn keep(
        &mut self,
        header: &Header,
        read: usize,
        piece: &[u8],
        bounds: &Bounds,
    ) -> Result<Ready, Fault> {
        self.partial.get_or_insert_default().keep(header, read, piece, bounds)
    }
}

/// Hands out what is ready, inflated and checked.
fn lend<'a>(
    ready: Ready,
    input: &'a [u8],
    partial: Option<&'a mut Partial>,
    bounds: &Bounds,
    inflater: Option<&'a mut Inflater>,
) -> Result<Option<Arrived<'a>>, Fault> {
    let (opcode, compressed, bytes) = match (ready, partial) {
        (Ready::Nothing, _) => return Ok(None),
        (Ready::Input { opcode, compressed, range }, _) => {
            (opcode, compressed, input.get(range).unwrap_or_default())
        }
        (Ready::Control { opcode }, Some(partial)) => (opcode, false, partial.lend_control()),
        (Ready::Message { opcode, compressed }, Some(partial)) => {
            (opcode, compressed, partial.lend_message())
        }
        (Ready::Control { .. } | Ready::Message { .. }, None) => {
            unreachable!("what is ready in the box is in the box")
        }
    };
    let bytes = match (compressed, inflater) {
        (false, _) => bytes,
        (true, Some(inflater)) => inflater.inflate(bytes, bounds)?,
        (true, None) => return Err(Fault::ReservedBits),
    };
    Ok(Some(match opcode {
        Opcode::Text => Arrived::Text(str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?),
        Opcode::Binary | Opcode::Continuation => Arrived::Binary(bytes),
        Opcode::Ping => Arrived::Ping(bytes),
        Opcode::Pong => Arrived::Pong(bytes),
        Opcode::Close => Arrived::Close(close(bytes)?),
    }))
}

/// The payload of a close frame (RFC 6455 5.5.1, 7.4).
fn close(payload: &[u8]) -> Result<Option<(u16, &str)>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(Fault::CloseTooShort) };
    };
    let code = u16::from_be_bytes(*code);
    // 1004 is reserved; 1005, 1006 and 1015 say that no frame came, so none can hold them. 1012 to
    // 1014 were registered with IANA after the RFC.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Fault::CloseCode(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
    Ok(Some((code, reason)))
}

const _: () = assert!(size_of::<Decoder>() <= 16, "an idle connection holds one of these");
const _: () = assert!(HEADER_BYTES_MAX <= u8::MAX as usize);

#[cfg(test)]
mod tests;
