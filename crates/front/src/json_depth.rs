//! How deeply a JSON text is nested.

/// Deeper than any message; shallow enough for every parser that will meet it (F11).
pub(crate) const DEPTH_MAX: usize = 64;

/// The most arrays and objects around any one value of `json`, which must be valid.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    most
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_of_text_only() {
        for (json, expected) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}],"b":[]}"#, 3),
            (r#""[[[""#, 0),
            (r#"["\"[[", {}]"#, 2),
            (r#"["\\", [[]]]"#, 3),
        ] {
            assert_eq!(depth(json), expected, "{json}");
        }
        assert_eq!(depth(&("[".repeat(1_000_000) + &"]".repeat(1_000_000))), 1_000_000);
    }
}
