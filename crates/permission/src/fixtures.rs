//! People for the tests.

use proto::{ChannelName, Identity, UnixTime, UserId};

/// Whoever a token with these claims names.
pub(crate) fn person(user: &str, claims: &str) -> Identity {
    Identity {
        user: UserId::parse(user).unwrap(),
        expires_at: UnixTime(2_000_000_000),
        issued_at: None,
        token_id: None,
        claims: claims.into(),
    }
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

/// Whatever has been tried as a name: each ASCII character alone and in the middle of one, and the
/// rest of the catalogue (C1).
pub(crate) fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = (0..=127_u8).map(|it| format!("a{}b", char::from(it))).collect();
    names.extend((0..=127_u8).map(|it| char::from(it).to_string()));
    let longest = "x".repeat(255);
    let too_long = "x".repeat(256);
    let huge = "x".repeat(64 * 1024);
    names.extend(
        [
            "",
            " ",
            "a",
            "1",
            "42",
            "*",
            "**",
            ":",
            "::",
            ":a",
            "a:",
            "a::b",
            "a:b",
            "a:b:c",
            "1:admin",
            "1:*",
            "*:1",
            "user:1",
            "user:*",
            "role:admin",
            "{user}",
            "{claims.role}",
            "{",
            "}",
            "{}",
            "{{user}}",
            "$",
            "$sys",
            "$SYS.>",
            "$MQTT.>",
            "@",
            "@me",
            "a$",
            "a@b",
            "#",
            "a#b",
            ".",
            "..",
            "../..",
            "../../etc/passwd",
            "/",
            "//",
            "a/b",
            "/a",
            "a/",
            "a\r\nFLUSHALL\r\n",
            "a\nb",
            "a\0b",
            "\0",
            "a%2fb",
            "a%00",
            "%2e%2e",
            "a?b=c",
            "a&b",
            "a;b",
            "a,b",
            "a|b",
            "a'b",
            "a\"b",
            "a`b",
            "$(id)",
            "' OR 1=1 --",
            "<script>",
            "a}{b",
            "__keyspace@0__:x",
            "__proto__",
            "constructor",
            "null",
            "undefined",
            "true",
            "caf\u{e9}",
            "cafe\u{301}",
            "\u{ff41}",
            "\u{430}dmin",
            "a\u{200b}b",
            "a\u{202e}b",
            "\u{feff}a",
            "\u{1f600}",
            "a\u{a0}b",
            "\u{ff0a}",
            "\u{2a4e}",
            "\u{fffd}",
            &longest,
            &too_long,
            &huge,
        ]
        .map(str::to_owned),
    );
    assert!(200 <= names.len());
    names
}
