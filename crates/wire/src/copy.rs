//! Copying payloads at the speed of memory, wherever they lie.

/// Longest piece that the C library copies with vector loads and not with one string instruction.
const PIECE_BYTES: usize = 2048;

/// Appends `bytes` to `out`.
///
/// In one piece, 64 KiB take 1.3 µs or 35 µs: on some processors the string instruction (AMD, with
/// ERMS and FSRM) crawls when the target lies a few bytes further into its page than the source,
/// which is just what a header before a payload does. In small pieces it is always 1.3 µs.
pub(crate) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len());
    for piece in bytes.chunks(PIECE_BYTES) {
        out.extend_from_slice(piece);
    }
}
