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
    for frame in frames.chunks_exact(FRAME_HEADER + page) {
        let is_of_now = &frame[8..16] == salt;
        if is_readable {
            running = checksum(running, &frame[..8], is_big);
            running = checksum(running, &frame[FRAME_HEADER..], is_big);
            is_readable = is_of_now && running == (word(frame, 16), word(frame, 20));
        }
        let is_commit = word(frame, 4) != 0;
        behind += usize::from(!is_readable && is_of_now && is_commit);
    }
    behind
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
