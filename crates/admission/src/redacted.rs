//! A request target as it may be logged (A7).

use crate::percent;

/// What a value is replaced by.
const HIDDEN: &str = "…";

/// Longer than ids and page numbers, shorter than anything that guards something.
const SHOWN_BYTES_MAX: usize = 16;

/// Parts of names whose values are never shown, whatever they look like.
const SECRET: [&str; 12] = [
    "token", "jwt", "auth", "key", "secret", "pass", "pwd", "sig", "session", "code", "ticket",
    "cred",
];

/// The path, and of each query parameter the name, and the value where it is short, plain and of a
/// harmless name. Anything else is hidden: a route may call its token whatever it likes, so what is
/// shown must earn it.
pub fn redacted(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn pair(pair: &str) -> String {
    let Some((name, value)) = pair.split_once('=') else {
        return if is_plain(pair) { pair.to_owned() } else { HIDDEN.to_owned() };
    };
    match (is_plain(name), is_plain(value) && !is_secret(name)) {
        (true, true) => format!("{name}={value}"),
        (true, false) => format!("{name}={HIDDEN}"),
        (false, _) => format!("{HIDDEN}={HIDDEN}"),
    }
}

fn is_plain(text: &str) -> bool {
    text.len() <= SHOWN_BYTES_MAX
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it))
}

fn is_secret(name: &str) -> bool {
    // A name with anything encoded in it is not plain, and its value is hidden for that.
    let name = percent::decoded(name).unwrap_or_default().to_ascii_lowercase();
    SECRET.iter().any(|it| name.contains(it)) || name.len() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_might_be_a_token_is_not_shown() {
        for (target, expected) in [
            ("/ws/notifications/", "/ws/notifications/"),
            ("/ws/?page=2&lang=en", "/ws/?page=2&lang=en"),
            ("/?token=abc", "/?token=…"),
            ("/?TOKEN=abc", "/?TOKEN=…"),
            ("/?access_token=abc&page=2", "/?access_token=…&page=2"),
            ("/?page=2&token=abc&token=def", "/?page=2&token=…&token=…"),
            ("/?%74oken=abc", "/?…=…"),
            ("/?t=abc", "/?t=…"),
            ("/?ticket=abc", "/?ticket=…"),
            ("/?anything=eyJhbGciOi.eyJ1c2Vy.c2ln", "/?anything=…"),
            ("/?eyJhbGciOi.eyJ1c2Vy.c2ln", "/?…"),
            ("/?eyJhbGciOi.eyJ1c2Vy.c2ln=1", "/?…=…"),
            ("/?a?token=abc", "/?…=…"),
            ("/?page=2;token=abc", "/?page=…"),
            ("/?", "/?"),
            ("/?token", "/?token"),
            ("/?token=", "/?token=…"),
        ] {
            assert_eq!(redacted(target), expected, "{target}");
        }
    }
}
