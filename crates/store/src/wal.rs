//! The write-ahead log, looked at before SQLite does. It reads up to the first frame that is not
//! right and takes everything after that for a commit that was cut off by a crash. Mostly it was;
//! but a bit that has flipped there looks the same, and takes confirmed messages with it, unseen
//! (L9).
//!
//! A crash leaves at most one commit unfinished, because each is synced before the next one begins.
//! So where two or more follow what cannot be read, something else has happened.

use std::{fs, io, path::Path};

use crate::aside::with_suffix;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Whether confirmed commits are behind a part of the file's write-ahead log that cannot be read.
pub(crate) fn is_broken(file: &Path) -> io::Result<bool> {
    match fs::read(with_suffix(file, "-wal")) {
        Ok(log) => Ok(1 < commits_behind(&log)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Commits of the log's present life that follow the first frame which is not right.
fn commits_behind(log: &[u8]) -> usize {
    let Some((header, frames)) = log.split_at_checked(HEADER) else { return 0 };
    let is_big = header[3] & 1 == 1;
    let sum = checksum((0, 0), &header[..24], is_big);
    let is_right =
        word(header, 0) & !1 == 0x377F_0682 && sum == (word(header, 24), word(header, 28));
    let page = word(header, 8) as usize;
    if !is_right || !page.is_power_of_two() || !(512..=65_536).contains(&page) {
        // It was synced before the first frame was written.
        return if frames.iter().any(|it| *it != 0) { usize::MAX } else { 0 };
    }
    let salt = &header[16..24];
    let (mut running, mut is_readable, mut behind) = (sum, true, 0);
    let mut at = HEADER;
    for frame in frames.chunks_exact(FRAME_HEADER + page) {
        let is_of_now = &frame[8..16] == salt;
        if is_readable {
            running = checksum(running, &frame[..8], is_big);
            running = checksum(running, &frame[FRAME_HEADER..], is_big);
            is_readable = is_of_now && running == (word(frame, 16), word(frame, 20));
        }
        let is_commit = word(frame, 4) != 0 && !is_torn_apart(at);
        at += frame.len();
        behind += usize::from(!is_readable && is_of_now && is_commit);
    }
    behind
}

/// Whether a frame at this place says that it ends a commit in one sector, and of which life of the
/// log it is in the next. When the power fails, one may be of now and the other of before.
const fn is_torn_apart(at: usize) -> bool {
    const SECTOR: usize = 512;
    at / SECTOR != (at + 15) / SECTOR
}

/// As SQLite's file format says: two sums over pairs of words.
fn checksum(from: (u32, u32), bytes: &[u8], is_big: bool) -> (u32, u32) {
    let read = |it: &[u8]| {
        let it = it.try_into().expect("four bytes");
        if is_big { u32::from_be_bytes(it) } else { u32::from_le_bytes(it) }
    };
    bytes.chunks_exact(8).fold(from, |(a, b), pair| {
        let a = a.wrapping_add(read(&pair[..4])).wrapping_add(b);
        (a, b.wrapping_add(read(&pair[4..])).wrapping_add(a))
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    /// A log that cannot be read from its first frame on, with commits in these frames.
    fn commits(frames: &[usize]) -> usize {
        let mut log = [0x377F_0682_u32, 0x002D_E218, 4096, 3, 0xC520_9E79, 0x3401_A55F]
            .map(u32::to_be_bytes)
            .concat();
        let sum = checksum((0, 0), &log, false);
        log.extend([sum.0, sum.1].map(u32::to_be_bytes).concat());
        log.resize(HEADER + 50 * (FRAME_HEADER + PAGE), 0);
        for frame in frames {
            let at = HEADER + frame * (FRAME_HEADER + PAGE);
            log[at + 4..at + 8].copy_from_slice(&9_u32.to_be_bytes());
            log.copy_within(16..24, at + 8);
        }
        commits_behind(&log)
    }

    /// Of each two words of a frame that only say it together, one sector may be lost.
    #[test]
    fn a_frame_across_two_sectors_is_no_witness() {
        assert_eq!(commits(&[]), 0);
        assert_eq!(commits(&[40, 43]), 2);
        assert_eq!(commits(&[41, 43]), 1);
        let torn = |it: &usize| commits(&[*it]) == 0;
        assert_eq!((0..50).filter(torn).collect::<Vec<_>>(), [41]);
    }
}
