//! What decides does not look, wait, or roll dice: pure crates have no clock, no threads, no
//! files, no sockets, no randomness. Nowhere is `unsafe` allowed without a reason.

use crate::{
    code::{without_strings, without_tests},
    tree::Tree,
};

const PURE: &[&str] = &[
    "admission",
    "engine",
    "limits",
    "permission",
    "proto",
    "session",
    "socketio",
    "token",
    "wire",
];

/// What the clippy.toml of a pure crate bans, so that the compiler's own eyes see it.
const BANNED: &[&str] = &[
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
];

/// What no source of a pure crate says. Addresses are values: `net::IpAddr` may be named.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "net::Tcp",
    "net::Udp",
    "net::ToSocketAddrs",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "async fn",
    "getrandom",
    "mio::",
    "rand::",
    "tokio",
];

/// Lints of the workspace that rules here rely on.
const LINTS: &[&str] = &["unsafe_code = \"forbid\"", "iter_over_hash_type = \"warn\""];

/// Where `unsafe` is allowed, and why nothing safe would do. The workspace forbids it; a crate that
/// needs it has lints of its own and a line here.
const UNSAFE: &[(&str, &str)] = &[];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for name in PURE {
        let folder = format!("crates/{name}/");
        let lints = format!("{folder}clippy.toml");
        let listed = tree.text(&lints).unwrap_or_default();
        for path in BANNED.iter().filter(|it| !listed.contains(&format!("path = \"{it}\""))) {
            found.push(format!("{lints}:1: ban {path}"));
        }
        for file in tree.with_extension("rs").filter(|it| it.path.starts_with(&folder)) {
            if !file.is_test() {
                check_words(file.path, file.text().unwrap_or_default(), IMPURE, &mut found);
            }
        }
    }
    let lints = tree.text("Cargo.toml").unwrap_or_default();
    for lint in LINTS.iter().filter(|it| !lints.contains(*it)) {
        found.push(format!("Cargo.toml:1: [workspace.lints] has {lint}"));
    }
    for file in tree.with_extension("rs") {
        if !UNSAFE.iter().any(|it| it.0 == file.path) {
            let words = ["unsafe {", "unsafe fn", "unsafe impl"];
            check_words(file.path, file.text().unwrap_or_default(), &words, &mut found);
        }
    }
    found
}

fn check_words(path: &str, text: &str, words: &[&str], found: &mut Vec<String>) {
    for (index, line) in without_strings(without_tests(text)).lines().enumerate() {
        let is_code = !line.trim_start().starts_with("//");
        for word in words.iter().filter(|it| is_code && has_word(line, it)) {
            found.push(format!("{path}:{}: {word}", index + 1));
        }
    }
}

/// Whether the word stands in the line, and not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_inside = |it: char| it.is_alphanumeric() || it == '_';
    line.match_indices(word).any(|it| !line[..it.0].ends_with(is_inside))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn impurity_is_found() {
        let all: String = BANNED.iter().map(|it| format!("{{ path = \"{it}\" }}\n")).collect();
        let without_clock = all.replace("std::time::Instant::now", "std::time::Instant::elapsed");
        let looks = "//! Looks.\n// std::fs is not for us.\nuse std::net::IpAddr;\n\
                     fn f() {\n    std::fs::read(a);\n    errand::run();\n}\n\
                     #[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        let mut files = vec![
            ("Cargo.toml", LINTS[0]),
            ("crates/engine/src/looks.rs", looks),
            ("crates/engine/src/tests.rs", "//! Tests.\nuse std::fs;\n"),
            ("crates/net/src/wild.rs", "//! Wild.\nfn f() {\n    unsafe { g() }\n}\n"),
        ];
        let lints: Vec<String> = PURE.iter().map(|it| format!("crates/{it}/clippy.toml")).collect();
        for path in &lints {
            let banned = if path.contains("token") { &without_clock } else { &all };
            files.push((path, banned));
        }
        check(
            findings,
            &files,
            expect![[r#"
                crates/engine/src/looks.rs:5: std::fs
                crates/token/clippy.toml:1: ban std::time::Instant::now
                Cargo.toml:1: [workspace.lints] has iter_over_hash_type = "warn"
                crates/net/src/wild.rs:3: unsafe {
            "#]],
        );
    }
}
