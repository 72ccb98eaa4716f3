//! The repository stands alone: it names nothing beside it and no registry, and stays light.

use crate::tree::Tree;

const BYTES_MAX: usize = 200_000;

/// Hosts of registries and mirrors. Whoever builds has theirs configured; ours would be wrong.
const HOSTS: &[&str] = &[
    "archive.ubuntu.com",
    "crates.io",
    "deb.debian.org",
    "docker.io",
    "files.pythonhosted.org",
    "ghcr.io",
    "npmjs.org",
    "npmjs.com",
    "proxy.golang.org",
    "pypi.org",
    "quay.io",
    "security.debian.org",
];

/// Folders that lie beside this one on some machines.
const NEIGHBOURS: &[&str] = &["../shared", "/work/"];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.files() {
        if BYTES_MAX < file.len() {
            found.push(format!("{}:1: {} bytes", file.path, file.len()));
        }
        // Cargo writes the index it knows into its locks, and this file names what it looks for.
        let is_excused =
            file.path.ends_with("Cargo.lock") || file.path.ends_with("rules/standing.rs");
        let Some(text) = file.text().filter(|_| !is_excused) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in HOSTS.iter().chain(NEIGHBOURS).filter(|it| line.contains(**it)) {
                found.push(format!("{}:{}: names {word}", file.path, index + 1));
            }
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
    fn what_leans_on_something_else_is_found() {
        let heavy = "a".repeat(BYTES_MAX + 1);
        let files = [
            ("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\""),
            ("docs/a.md", "See ../shared/design.\nFrom https://pypi.org/simple.\n"),
            ("docs/b.svg", &heavy),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                docs/a.md:1: names ../shared
                docs/a.md:2: names pypi.org
                docs/b.svg:1: 200001 bytes
            "#]],
        );
    }
}
