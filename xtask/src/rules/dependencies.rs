//! Everything that others wrote has a line in docs/dependencies.md, and nothing else has.

use std::collections::BTreeMap;

use crate::{
    manifest::{members, names},
    tree::Tree,
};

const PAGE: &str = "docs/dependencies.md";

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let page = tree.text(PAGE).unwrap_or_default();
    let described: BTreeMap<&str, usize> = described(page).collect();
    let used = used(tree);
    let missing = used.iter().filter(|it| !described.contains_key(it.0));
    let missing = missing.map(|(name, place)| {
        format!("{place}:1: {name} has no line in {PAGE}: what it saves, how we would leave it")
    });
    let stale = described.iter().filter(|it| !used.contains_key(it.0));
    let stale = stale.map(|(name, line)| format!("{PAGE}:{line}: nobody depends on {name}"));
    missing.chain(stale).collect()
}

/// Names in backticks in the first column of tables, with their line.
fn described(page: &str) -> impl Iterator<Item = (&str, usize)> {
    page.lines().enumerate().flat_map(|(index, line)| {
        let first = line.strip_prefix('|').and_then(|it| it.split('|').next()).unwrap_or_default();
        first.split('`').skip(1).step_by(2).map(move |it| (it, index + 1))
    })
}

/// Names of what is not ours, and where they are asked for.
fn used(tree: &Tree) -> BTreeMap<&str, &str> {
    let ours: Vec<&str> = members(tree).map(|it| it.name).collect();
    let mut used = BTreeMap::new();
    for file in tree.files() {
        let Some(text) = file.text() else { continue };
        let asked_for = match file.path.rsplit('/').next() {
            Some("Cargo.toml") => names(text, |it| it.ends_with("dependencies]")),
            Some("package.json") => packages(text),
            Some("requirements.txt") => requirements(text),
            _ => continue,
        };
        let foreign = asked_for.into_iter().filter(|it| !ours.contains(it));
        used.extend(foreign.map(|it| (it, file.path)));
    }
    used
}

/// The names in the two objects of a package.json that list dependencies. One name a line.
fn packages(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        let name = line.trim().strip_prefix('"').and_then(|it| it.split('"').next());
        match name {
            Some(it) if it.ends_with("ependencies") => inside = line.ends_with('{'),
            Some(it) if inside => found.push(it),
            Some(_) | None => inside = false,
        }
    }
    found
}

/// The names in a requirements.txt.
fn requirements(list: &str) -> Vec<&str> {
    let lines = list.lines().filter(|it| it.starts_with(|it: char| it.is_ascii_alphabetic()));
    lines.filter_map(|it| it.split(['=', '<', '>', '~', '[', ' ', ';']).next()).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn a_dependency_without_a_line_is_found() {
        let files = [
            (
                "crates/a/Cargo.toml",
                "[dependencies]\nb.workspace = true\nmio = \"1\"\nslab = \"1\"\n",
            ),
            ("crates/b/Cargo.toml", "[dev-dependencies]\nproptest = \"1\"\n"),
            (
                "tests/package.json",
                "{\n  \"name\": \"a\",\n  \"devDependencies\": {\n    \"ws\": \"1\"\n  },\n  \"x\": 1\n}\n",
            ),
            ("tests/requirements.txt", "# Clients.\npytest==1\nPyJWT[crypto]==2\n"),
            (PAGE, "| `mio` | sockets |\n| `pytest`, `PyJWT` | not `slab` |\n| `gone` | |\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                crates/b/Cargo.toml:1: proptest has no line in docs/dependencies.md: what it saves, how we would leave it
                crates/a/Cargo.toml:1: slab has no line in docs/dependencies.md: what it saves, how we would leave it
                tests/package.json:1: ws has no line in docs/dependencies.md: what it saves, how we would leave it
                docs/dependencies.md:3: nobody depends on gone
            "#]],
        );
    }
}
