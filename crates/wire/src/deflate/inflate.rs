//! Inflates one message at a time, in bounded steps.

use flate2::{Decompress, FlushDecompress, Status};

use crate::Fault;
use crate::decoder::{Bounds, RATIO_FREE_BYTES};

/// What the sender cut from the end of each message, and the inflater wants back (RFC 7692 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Room for a first step. Most messages need no second.
const STEP_BYTES: usize = 16 * 1024;

/// Output kept between messages; what one giant needed is given back.
const KEPT_BYTES: usize = 64 * 1024;

/// Takes compressed messages back to what they were.
#[derive(Debug)]
pub struct Inflater {
    engine: Decompress,
    inflated: Vec<u8>,
    takeover: bool,
}

impl Inflater {
    /// For connections whose clients keep no context: each message begins afresh, so one inflater
    /// serves any number of them.
    #[must_use]
    pub fn new() -> Self {
        Self { engine: Decompress::new(false), inflated: Vec::new(), takeover: false }
    }

    /// For one connection whose client may refer to its earlier messages.
    #[must_use]
    pub fn with_takeover() -> Self {
        Self { takeover: true, ..Self::new() }
    }

    /// The message that `compressed` stands for.
    ///
    /// Stops at the bound, not after it: the output and its memory stay within the greater of
    /// 64 KiB and [`Bounds::message_bytes_max`] plus one, whatever the message claims to be.
    ///
    /// # Errors
    /// [`Fault::TooLong`], [`Fault::Bomb`] or [`Fault::BadDeflate`].
    pub fn inflate(&mut self, compressed: &[u8], bounds: &Bounds) -> Result<&[u8], Fault> {
        if self.inflated.capacity() > KEPT_BYTES {
            self.inflated = Vec::new();
        }
        self.inflated.clear();
        if !self.takeover {
            self.engine.reset(false);
        }
        let fair = compressed.len().saturating_mul(bounds.ratio_max as usize);
        let fair = fair.max(RATIO_FREE_BYTES);
        let bytes_max = fair.min(bounds.message_bytes_max);
        for part in [compressed, &TAIL] {
            let ended = self.inflate_part(part, bytes_max)?;
            if self.inflated.len() > bounds.message_bytes_max {
                return Err(Fault::TooLong { bytes_max: bounds.message_bytes_max });
            }
            if self.inflated.len() > bytes_max {
                return Err(Fault::Bomb { ratio_max: bounds.ratio_max });
            }
            if ended {
                break;
            }
        }
        Ok(&self.inflated)
    }

    /// Inflates all of `part`, or as much as makes the output pass `bytes_max`. Says whether the
    /// last block ended exactly with it, so that there is nothing for a tail to end.
    fn inflate_part(&mut self, mut part: &[u8], bytes_max: usize) -> Result<bool, Fault> {
        while self.inflated.len() <= bytes_max {
            self.make_room(bytes_max);
            let (read, wrote) = (self.engine.total_in(), self.inflated.len());
            let status = self
                .engine
                .decompress_vec(part, &mut self.inflated, FlushDecompress::Sync)
                .map_err(|_| Fault::BadDeflate)?;
            let taken = usize::try_from(self.engine.total_in() - read).unwrap_or(usize::MAX);
            part = part.get(taken..).unwrap_or_default();

            match status {
                // A block that says it is the last (RFC 7692 7.2.3.4). What follows begins afresh;
                // a client that keeps context across it would be the first to do so.
                Status::StreamEnd if part.is_empty() => {
                    self.engine.reset(false);
                    return Ok(true);
                }
                Status::StreamEnd => self.engine.reset(false),
                Status::Ok | Status::BufError => {
                    let stuck = taken == 0 && self.inflated.len() == wrote;
                    let full = self.inflated.len() == self.inflated.capacity();
                    if stuck || (part.is_empty() && !full) {
                        return if part.is_empty() { Ok(false) } else { Err(Fault::BadDeflate) };
                    }
                }
            }
        }
        Ok(false)
    }

    /// Spare room for one step: twice what is there, but at most one byte past the bound, which
    /// is enough to see that it was passed.
    fn make_room(&mut self, bytes_max: usize) {
        if self.inflated.len() < self.inflated.capacity() {
            return;
        }
        let most = bytes_max.saturating_add(1);
        let target = self.inflated.len().saturating_mul(2).max(STEP_BYTES).min(most);
        self.inflated.reserve_exact(target.saturating_sub(self.inflated.len()).max(1));
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
