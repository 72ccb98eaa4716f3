//! Pages that are made from code are compared with it by a test, which this list names: so that
//! nobody takes the test away and keeps the page.

use crate::tree::Tree;

/// The page, the test's file, and what the test says.
const MADE: &[(&str, &str, &str)] = &[
    ("PROTOCOL.md", "crates/proto/src/protocol_page.rs", "expect_file!"),
    ("docs/configuration.md", "crates/config/src/tests.rs", "expect_file!"),
    ("docs/metrics.md", "crates/monitor/src/table.rs", "expect_file!"),
];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (page, test, says) in MADE {
        let source = tree.text(test).unwrap_or_default();
        let is_compared = source.lines().any(|it| it.contains(says) && it.contains(page));
        if !tree.has(page) || !is_compared {
            found.push(format!("{page}:1: is not compared with the code in {test}"));
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
    fn a_page_without_its_test_is_found() {
        let compared = "expect_file![\"../../../docs/metrics.md\"].assert_eq(&page());\n";
        let files = [
            ("crates/config/src/tests.rs", "//! Nothing.\n"),
            ("crates/monitor/src/table.rs", compared),
            ("docs/configuration.md", "# Configuration\n"),
            ("docs/metrics.md", "# Metrics\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                PROTOCOL.md:1: is not compared with the code in crates/proto/src/protocol_page.rs
                docs/configuration.md:1: is not compared with the code in crates/config/src/tests.rs
            "#]],
        );
    }
}
