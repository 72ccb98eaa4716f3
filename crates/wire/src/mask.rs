//! Masking (RFC 6455 5.3): each payload byte is XORed with a byte of a four-byte key.

/// Unmasks `payload` in place; masking is the same act.
///
/// `offset` is how far into the frame's payload the slice begins, so that a frame may be unmasked
/// in pieces as it arrives.
pub fn unmask(payload: &mut [u8], key: [u8; 4], offset: usize) {
    // In little-endian order a rotation to the right brings the next byte of the key to the front.
    let turn = match offset % 4 {
        0 => 0,
        1 => 8,
        2 => 16,
        _ => 24,
    };
    let key = u32::from_le_bytes(key).rotate_right(turn).to_le_bytes();
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);

    // Eight bytes at a time without alignment, a shape the compiler turns into vector
    // instructions. Eight is a multiple of four, so the tail begins at the key's first byte again.
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unmask;

    #[test]
    fn the_example_of_the_rfc_unmasks() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        unmask(&mut payload, [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(&payload, b"Hello");
    }

    proptest! {
        #[test]
        fn it_is_the_plain_formula_at_any_cut(
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            key in any::<[u8; 4]>(),
            cut in 0_usize..200,
        ) {
            let plain: Vec<u8> =
                payload.iter().enumerate().map(|(index, it)| it ^ key[index % 4]).collect();
            let cut = cut.min(payload.len());
            let mut fast = payload;
            unmask(&mut fast[..cut], key, 0);
            unmask(&mut fast[cut..], key, cut);
            prop_assert_eq!(fast, plain);
        }
    }
}
