//! Frames that many connections are sent: made once, written from one array.

use std::io::IoSlice;

use bytes::Bytes;
use wire::{Deflater, Opcode, deflate::WORTHWHILE_BYTES_MIN};

/// What a turn has for the members of one channel who speak one dialect, in order.
#[derive(Debug)]
pub struct Batch {
    texts: Vec<String>,
    plain: Vec<Bytes>,
    /// As many, once somebody wanted them compressed.
    deflated: Vec<Bytes>,
}

impl Batch {
    /// Frames each text once.
    pub fn new(texts: Vec<String>) -> Self {
        let frame = |it: &String| wire::frame(Opcode::Text, it.as_bytes(), false).into();
        let plain = texts.iter().map(frame).collect();
        Self { texts, plain, deflated: Vec::new() }
    }

    /// Compresses each text once, if that was not done before. Short ones stay as they are.
    pub(crate) fn deflate(&mut self, deflater: &mut Deflater) {
        if self.deflated.len() == self.plain.len() {
            return;
        }
        let pairs = self.texts.iter().zip(&self.plain);
        self.deflated = pairs.map(|(text, plain)| compressed(text, plain, deflater)).collect();
    }

    pub(crate) fn frames(&self, is_deflated: bool) -> &[Bytes] {
        if is_deflated { &self.deflated } else { &self.plain }
    }
}

fn compressed(text: &str, plain: &Bytes, deflater: &mut Deflater) -> Bytes {
    if text.len() < WORTHWHILE_BYTES_MIN {
        return plain.clone();
    }
    let mut smaller = Vec::with_capacity(text.len() / 2);
    deflater.compress(text.as_bytes(), &mut smaller);
    wire::frame(Opcode::Text, &smaller, true).into()
}

/// The array a `sendmsg` takes, built once for all members.
pub(crate) fn slices(frames: &[Bytes]) -> Vec<IoSlice<'_>> {
    frames.iter().map(|it| IoSlice::new(it)).collect()
}
