//! What a verified token says of its user, for applications that remember their users.
//!
//! The issuer of the tokens says who exists and what they are. An application's database remembers
//! it, and knows who was removed.

use std::cmp::Ordering;

use proto::{Identity, UserId};
use serde_json::{Map, Value};

/// A token's claims about its user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claimed {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: Option<String>,
    pub email: String,
    /// As the token has it; whether there is such a role is the application's to know.
    pub role: Option<String>,
    /// `iat`, in seconds since 1970; 0 if the token does not say.
    pub issued_at: i64,
}

/// What a token's word on a role is worth beside what is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// Nothing new.
    Same,
    /// Newer than what is remembered: to be remembered, even if it agrees, since any before it is
    /// stale then.
    Newer,
    /// Older than what is remembered, and another: an old token must not bring a role back.
    Outdated,
}

/// Of names and addresses, in characters, as Django has it.
const TEXT_MAX: usize = 254;

impl Claimed {
    /// `None` if the user's id cannot be part of a channel's name.
    pub fn parse(identity: &Identity) -> Option<Self> {
        let claims: Map<String, Value> = serde_json::from_str(&identity.claims).unwrap_or_default();
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let short = |name: &str| text(name).filter(|it| is_short(it)).map(str::to_owned);
        Some(Self {
            id: id_in(identity.user.as_str())?,
            username: short("username"),
            full_name: short("full_name").or_else(|| short("name")),
            email: short("email").unwrap_or_default(),
            role: text("role").map(str::to_owned),
            issued_at: identity.issued_at.map_or(0, |it| i64::try_from(it.0).unwrap_or(i64::MAX)),
        })
    }

    /// Weighs this token's word on a role. `stated_at` is the `iat` of the token that is
    /// remembered, `agrees` whether both say the same. Of two tokens of one second the later shown
    /// wins.
    pub fn weigh(&self, stated_at: i64, agrees: bool) -> Word {
        match (self.issued_at.cmp(&stated_at), agrees) {
            (Ordering::Less, false) => Word::Outdated,
            (Ordering::Less | Ordering::Equal, true) => Word::Same,
            (Ordering::Equal, false) | (Ordering::Greater, _) => Word::Newer,
        }
    }

    /// Usernames to try, best first, without end: `ann`, `user 7`, `user 7 (2)`, `user 7 (3)`…
    /// Whose name is taken gets another one; nobody may look like somebody else.
    pub fn usernames(&self) -> impl Iterator<Item = String> + use<> {
        let first = format!("user {}", self.id);
        let more = first.clone();
        let fallbacks =
            std::iter::once(first).chain((2_u64..).map(move |it| format!("{more} ({it})")));
        self.username.clone().into_iter().chain(fallbacks)
    }
}

/// A user's id that can be one part of a channel's name. `None` for any other.
pub fn id_in(text: &str) -> Option<UserId> {
    let is_fit = |it: u8| it.is_ascii_alphanumeric() || b"_.@-".contains(&it);
    UserId::parse(text).filter(|it| it.as_str().bytes().all(is_fit))
}

fn is_short(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= TEXT_MAX
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proto::UnixTime;

    use super::*;

    fn claimed(user: &str, claims: &str) -> Option<Claimed> {
        Claimed::parse(&Identity {
            user: UserId::parse(user).unwrap(),
            expires_at: UnixTime(100),
            issued_at: Some(UnixTime(10)),
            token_id: None,
            claims: claims.into(),
        })
    }

    #[test]
    fn ids_that_would_not_fit_a_channels_name_name_nobody() {
        for good in ["7", "ann", "ann@harbour.example", "a-b_c.d"] {
            assert_eq!(id_in(good).unwrap().as_str(), good);
        }
        for bad in ["", "1:admin", "a b", "a/b", "*", "$sys", "caf\u{e9}"] {
            assert_eq!(id_in(bad), None, "{bad:?}");
        }
        assert_eq!(claimed("1:admin", "{}"), None);
    }

    #[test]
    fn the_newest_token_has_the_last_word_on_a_role() {
        let token = claimed("7", "{}").unwrap();
        for (stated_at, agrees, expected) in [
            (11, false, Word::Outdated),
            (11, true, Word::Same),
            (10, true, Word::Same),
            (10, false, Word::Newer),
            (9, true, Word::Newer),
            (9, false, Word::Newer),
        ] {
            assert_eq!(token.weigh(stated_at, agrees), expected, "{stated_at} {agrees}");
        }
    }

    #[test]
    fn names_that_cannot_be_shown_are_passed_over() {
        let names = |claims: &str| claimed("7", claims).unwrap().usernames().take(3).collect();
        let found: Vec<String> = names(r#"{"username":"ann"}"#);
        assert_eq!(found, ["ann", "user 7", "user 7 (2)"]);
        let long = format!(r#"{{"username":"{}"}}"#, "x".repeat(255));
        for claims in
            [r#"{"username":" "}"#, r#"{"username":"a\u0007"}"#, r#"{"username":7}"#, &long]
        {
            let found: Vec<String> = names(claims);
            assert_eq!(found, ["user 7", "user 7 (2)", "user 7 (3)"], "{claims}");
        }
    }
}
