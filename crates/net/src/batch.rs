//! Frames that many connections are sent: made once, written from one buffer.

use bytes::Bytes;
use wire::{Deflater, Opcode, deflate::WORTHWHILE_BYTES_MIN};

/// What a turn has for the members of one channel who speak one dialect, in order.
#[derive(Debug)]
pub struct Batch {
    texts: Vec<String>,
    plain: Frames,
    /// Once somebody wanted them compressed.
    deflated: Option<Frames>,
}

/// Frames that lie behind each other, so that one `send` takes them all and the kernel need not
/// walk an array of slices for every member.
#[derive(Debug)]
pub(crate) struct Frames {
    whole: Bytes,
    /// The same one by one, for outboxes. They share their memory, so an outbox keeps the whole
    /// batch until it has written the last frame it was given of it.
    each: Vec<Bytes>,
}

impl Batch {
    /// Frames each text once.
    pub fn new(texts: Vec<String>) -> Self {
        let bytes = texts.iter().map(|it| it.len() + FRAME_HEADER_BYTES_MAX).sum();
        let plain = Frames::new(texts.len(), bytes, |index, into| {
            wire::frame_into(into, Opcode::Text, texts[index].as_bytes(), false);
        });
        Self { texts, plain, deflated: None }
    }

    pub(crate) const fn plain(&self) -> &Frames {
        &self.plain
    }

    /// Compresses each text once, if that was not done before. Short ones stay as they are.
    pub(crate) fn deflated(&mut self, deflater: &mut Deflater) -> &Frames {
        let texts = &self.texts;
        self.deflated.get_or_insert_with(|| {
            let mut smaller = Vec::new();
            Frames::new(texts.len(), 0, |index, into| {
                let text = texts[index].as_bytes();
                if text.len() < WORTHWHILE_BYTES_MIN {
                    wire::frame_into(into, Opcode::Text, text, false);
                    return;
                }
                smaller.clear();
                deflater.compress(text, &mut smaller);
                wire::frame_into(into, Opcode::Text, &smaller, true);
            })
        })
    }
}

/// Of a server's frames, which are not masked (RFC 6455 section 5.2).
const FRAME_HEADER_BYTES_MAX: usize = 10;

impl Frames {
    fn new(count: usize, bytes: usize, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let mut whole = Vec::with_capacity(bytes);
        let mut ends = Vec::with_capacity(count);
        for index in 0..count {
            write(index, &mut whole);
            ends.push(whole.len());
        }
        let whole = Bytes::from(whole);
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let each = begins.zip(&ends).map(|(begin, end)| whole.slice(begin..*end)).collect();
        Self { whole, each }
    }

    /// All but the first `skip`: as they go to the socket, and one by one.
    pub(crate) fn after(&self, skip: usize) -> (&[u8], &[Bytes]) {
        let skipped: usize = self.each[..skip].iter().map(Bytes::len).sum();
        (&self.whole[skipped..], &self.each[skip..])
    }
}
