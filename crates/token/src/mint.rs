//! Making tokens, for development: `tidegate token` and the development login.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{
    key::{BadKey, Key},
    kid::Kid,
};

/// A token with these claims, signed with HS256. Whether they make sense is the caller's affair.
pub fn mint(claims: &Map<String, Value>, key: &Key, kid: Option<&Kid>) -> Result<String, BadKey> {
    let mut header = json!({ "alg": "HS256", "typ": "JWT" });
    if let Some(kid) = kid {
        header["kid"] = json!(kid.as_str());
    }
    let claims = serde_json::to_string(claims).expect("JSON is JSON");
    sign(&header.to_string(), &claims, key)
}

/// Two texts as header and payload, signed with HS256 whatever they say.
pub(crate) fn sign(header: &str, payload: &str, key: &Key) -> Result<String, BadKey> {
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let tag = key.sign_hs256(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    Ok(token)
}
