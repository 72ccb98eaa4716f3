//! docs/requirements.md has a line for each requirement, and what a line names is there:
//!
//! ```text
//! | R27 | connection-rate limit | tests/outside/test_limits.py::test_ten_an_hour, docs/http.md |
//! | R74 | queue for the absent | not yet |
//! ```
//!
//! The last column is a list with commas: `path`, or `path::name` where the file at `path` has the
//! word `name`; backticks are taken off. Words may follow in brackets.

use crate::tree::Tree;

const PAGE: &str = "docs/requirements.md";
const COUNT: usize = 164;

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let Some(page) = tree.text(PAGE) else { return vec![format!("{PAGE}:1: is not there")] };
    let mut found = Vec::new();
    let mut next = 1;
    for (index, line) in page.lines().enumerate() {
        let Some((number, shown_by)) = row(line) else { continue };
        let place = format!("{PAGE}:{}", index + 1);
        if number != next {
            found.push(format!("{place}: R{number} where R{next} is next"));
        }
        next = number + 1;
        if shown_by.is_empty() {
            found.push(format!("{place}: R{number} names nothing; \"not yet\" is an answer"));
        }
        for proof in shown_by.split(',').map(bare).filter(|it| !matches!(*it, "" | "not yet")) {
            if let Some(fault) = fault_of(tree, proof) {
                found.push(format!("{place}: {proof}: {fault}"));
            }
        }
    }
    if next != COUNT + 1 {
        found.push(format!("{PAGE}:1: ends at R{}, not at R{COUNT}", next - 1));
    }
    found
}

/// The number and the last column of `| R27 | … | … |`.
fn row(line: &str) -> Option<(usize, &str)> {
    let inside = line.strip_prefix("| R")?.trim_end().strip_suffix('|')?;
    let (number, rest) = inside.split_once('|')?;
    let shown_by = rest.rsplit_once('|')?.1;
    Some((number.trim().parse().ok()?, shown_by.trim()))
}

/// Without backticks, and without words in brackets.
fn bare(proof: &str) -> &str {
    proof.split(" (").next().unwrap_or_default().trim().trim_matches('`')
}

fn fault_of(tree: &Tree, proof: &str) -> Option<&'static str> {
    let Some((path, name)) = proof.split_once("::") else {
        let path = proof.split('#').next().unwrap_or_default();
        return (!tree.has(path)).then_some("is not there");
    };
    let Some(text) = tree.text(path) else { return Some("is not there") };
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    // Tests of Node are sentences with spaces.
    let has_name = if name.contains(|it| !is_word(it)) {
        text.contains(name)
    } else {
        text.split(|it| !is_word(it)).any(|it| it == name)
    };
    (!has_name || name.is_empty()).then_some("has no such name")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn what_is_claimed_and_not_there_is_found() {
        let claims = [
            "`tests/a.py::test_ten`, docs/a.md (why)",
            "tests/a.py::test_te",
            "tests/b.py::test_ten",
            "docs/b.md, `not yet`",
            "",
            "tests/a.test.mjs::comes back by itself",
        ];
        let row = |index: usize| claims.get(index - 1).copied().unwrap_or("not yet");
        let rows = (1..=163).filter(|it| *it != 9);
        let page: String = rows.map(|it| format!("| R{it} | text | {} |\n", row(it))).collect();
        let files = [
            (PAGE, &*page),
            ("docs/a.md", "# A\n"),
            ("tests/a.py", "def test_ten():\n"),
            ("tests/a.test.mjs", "test('comes back by itself', () => {})\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                docs/requirements.md:2: tests/a.py::test_te: has no such name
                docs/requirements.md:3: tests/b.py::test_ten: is not there
                docs/requirements.md:4: docs/b.md: is not there
                docs/requirements.md:5: R5 names nothing; "not yet" is an answer
                docs/requirements.md:9: R10 where R9 is next
                docs/requirements.md:1: ends at R163, not at R164
            "#]],
        );
    }
}
