//! The text form of a public key (RFC 7468): one block, and what is in it.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::key::BadKey;

/// The DER bytes of the one public key in `text`.
pub(crate) fn public_key_der(text: &str) -> Result<Vec<u8>, BadKey> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(BadKey::Pem)?;
    let (label, rest) = rest.split_once("-----").ok_or(BadKey::Pem)?;
    match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        _ if label.ends_with("PRIVATE KEY") => return Err(BadKey::Private),
        "CERTIFICATE" => return Err(BadKey::Certificate),
        _ => return Err(BadKey::Pem),
    }
    let (body, rest) = rest.split_once("-----END ").ok_or(BadKey::Pem)?;
    let rest = rest.strip_prefix(label).and_then(|it| it.strip_prefix("-----"));
    if rest.is_none_or(|it| it.contains("-----BEGIN")) {
        return Err(BadKey::Pem);
    }
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(body).map_err(|_| BadKey::Pem)?;
    // Both forms are a SEQUENCE. Without this a block of bare bytes would pass for a raw key.
    if der.first() == Some(&0x30) { Ok(der) } else { Err(BadKey::Pem) }
}
