//! Percent-decoding of query parameters.

/// Decodes a name or a value as forms encode them: `+` is a space. `None` where it is not encoded
/// properly or is not UTF-8 when decoded.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_in_half_is_not_decoded_at_all() {
        for (text, expected) in [
            ("", Some("")),
            ("a.b-c_d", Some("a.b-c_d")),
            ("a+b", Some("a b")),
            ("%41%2e%2E", Some("A..")),
            ("%C3%A9", Some("é")),
            ("%00", Some("\0")),
            ("%", None),
            ("%4", None),
            ("%4g", None),
            ("%+1", None),
            ("%ff", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text:?}");
        }
    }
}
