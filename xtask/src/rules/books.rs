//! The pages that a stranger looks for are there, and so are the licences.

use crate::tree::Tree;

/// Each with a phrase that it cannot do without.
const BOOKS: &[(&str, &str)] = &[
    ("ARCHITECTURE.md", "Absence"),
    ("CHANGELOG.md", "Added"),
    ("CONTRIBUTING.md", "make test"),
    ("Cargo.toml", "license = \"MIT OR Apache-2.0\""),
    ("LICENSE-APACHE", "Version 2.0, January 2004"),
    ("LICENSE-MIT", "Permission is hereby granted"),
    ("PROTOCOL.md", "tidegate.v1"),
    ("README.md", "make run"),
    ("README.md", "make test"),
    (".ci/run", "make test"),
];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, phrase) in BOOKS {
        match tree.text(path) {
            None => found.push(format!("{path}:1: is not there")),
            Some(text) if !text.contains(phrase) => {
                found.push(format!("{path}:1: does not say {phrase:?}"));
            }
            Some(_) => (),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn a_missing_book_is_found() {
        let all = BOOKS.iter().copied().filter(|it| !it.0.ends_with("LICENSE-MIT"));
        let mut files: Vec<(&str, &str)> = all.collect();
        // The later of two lines about one path stands.
        files.retain(|it| *it != ("README.md", "make test"));
        check(
            findings,
            &files,
            expect![[r#"
                LICENSE-MIT:1: is not there
                README.md:1: does not say "make test"
            "#]],
        );
    }
}
