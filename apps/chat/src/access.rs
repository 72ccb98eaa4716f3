//! Who comes: from a verified token to a user of the chat.

use app::{Visitor, claimed};
use proto::{Code, Identity, Refusal};
use serde_json::{Map, Value};

use crate::users::User;

/// In characters. What others see of somebody is a line.
const NAME_CHARS_MAX: usize = 100;
/// In bytes. A picture's address is told with every message.
const IMAGE_BYTES_MAX: usize = 1000;

/// Whom a token names, as its issuer describes them. `None` if the id cannot be part of a channel's
/// name.
pub(crate) fn user_of(identity: &Identity) -> Option<User> {
    let id = claimed::id_in(identity.user.as_str())?;
    let claims: Map<String, Value> = serde_json::from_str(&identity.claims).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let names = ["name", "full_name", "username", "email"];
    let name = names.iter().filter_map(|it| text(it)).find(|it| can_be_shown(it));
    let images = ["picture", "image_url", "imageUrl"];
    let image = images.iter().filter_map(|it| text(it)).find(|it| is_picture(it));
    let name = name.map_or_else(|| format!("user {id}"), str::to_owned);
    Some(User { id: id.to_string(), name, image_url: image.map(str::to_owned) })
}

fn can_be_shown(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control)
}

/// Others load it: an address of the web, and nothing that runs (threat D2).
fn is_picture(address: &str) -> bool {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    is_web
        && address.len() <= IMAGE_BYTES_MAX
        && !address.contains(|it: char| it.is_control() || it.is_whitespace())
}

/// Those who may remove others.
pub(crate) fn administers(identity: &Identity) -> bool {
    let role = identity.claim("role");
    let is_admin = role.is_some_and(|it| it.eq_ignore_ascii_case("admin"));
    is_admin || identity.claim_value("is_staff") == Some(Value::Bool(true))
}

/// The `userId` a client says it is, if it says so, is the token's subject (R4). Nothing hangs on
/// it: the token alone decides who somebody is (A10).
pub(crate) fn agrees(visitor: &Visitor) -> Result<(), Refusal> {
    let auth: Value = match visitor.auth.as_deref() {
        Some(auth) => serde_json::from_str(auth).unwrap_or_default(),
        None => Value::Null,
    };
    let says = match auth.get("userId") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if says == visitor.user() { Ok(()) } else { Err(failed("User ID mismatch.")) }
}

pub(crate) fn failed(sentence: &'static str) -> Refusal {
    Refusal::new(Code::AuthFailed).saying(sentence)
}

pub(crate) fn removed() -> Refusal {
    failed("This user was removed.")
}

#[cfg(test)]
mod tests {
    use proto::{UnixTime, UserId};

    use super::*;

    fn user(id: &str, claims: &str) -> Option<User> {
        user_of(&Identity {
            user: UserId::parse(id).unwrap(),
            expires_at: UnixTime(100),
            issued_at: None,
            token_id: None,
            claims: claims.into(),
        })
    }

    #[test]
    fn users_are_what_their_tokens_say() {
        let shown = |claims: &str| user("user_2abc", claims).unwrap().name;
        assert_eq!(shown(r#"{"name":"Ann","username":"ann"}"#), "Ann");
        assert_eq!(shown(r#"{"name":" ","username":"ann","email":"a@b"}"#), "ann");
        assert_eq!(shown(r#"{"name":7,"email":"a@harbour.example"}"#), "a@harbour.example");
        assert_eq!(shown("{\"name\":\"a\\u0000b\"}"), "user user_2abc");
        assert_eq!(shown("{}"), "user user_2abc");
        assert_eq!(user("a:b", "{}"), None, "no part of a channel's name");
    }

    /// D2.
    #[test]
    fn a_picture_is_an_address_of_the_web() {
        let shown = |url: &str| {
            user("7", &serde_json::json!({ "picture": url }).to_string()).unwrap().image_url
        };
        assert_eq!(shown("https://img.example/7.png").unwrap(), "https://img.example/7.png");
        for bad in ["javascript:alert(1)", "data:image/png,x", "//x", "https://x/ y", ""] {
            assert_eq!(shown(bad), None, "{bad:?}");
        }
    }
}
