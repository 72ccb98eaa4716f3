//! How source looks: headers, lengths, columns, and words that must not stay.

use crate::{
    code::{without_strings, without_tests},
    tree::{File, Tree},
};

const FILE_LINES_MAX: usize = 600;
const FN_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// Long functions, and why each is one all the same.
const LONG: &[(&str, &str, &str)] = &[
    (
        "apps/checkins/src/tests/spelling.rs",
        "every_text_that_is_told_when_nothing_was_done",
        "a table of cases",
    ),
    (
        "apps/checkins/src/tests/stories.rs",
        "a_visit_is_told_to_the_sender_then_to_all_then_counted",
        "one story with its snapshot",
    ),
    ("crates/config/src/policy.rs", "read", "one key after another, each with its sentence"),
    ("crates/config/src/routes.rs", "route", "one key after another, each with its sentence"),
    ("crates/config/src/server.rs", "read", "one key after another, each with its sentence"),
    (
        "crates/config/src/tests/faults.rs",
        "a_value_of_the_wrong_kind_is_refused",
        "a table of cases",
    ),
    ("crates/permission/src/fixtures.rs", "hostile_names", "a table of names"),
];

/// What must not stand in Rust, where, and what to do instead.
const WORDS: &[(&str, Place, &str)] = &[
    ("FIXME", Place::Anywhere, "means now; say TODO(name) for later"),
    ("todo!", Place::Anywhere, "is a promise; write it"),
    ("unimplemented!", Place::Anywhere, "is a promise; write it"),
    ("#[ignore", Place::Anywhere, "mend the test, or take it out"),
    ("should_panic", Place::Anywhere, "catch what panics, and look at the message"),
    ("thread::sleep", Place::Tests, "wait for what you wait for, with a deadline"),
];

/// Words that must not stand in tests of other languages.
const SKIPS: &[&str] =
    &["mark.skip", "mark.xfail", "pytest.skip", "test.only(", "test.skip(", "test.todo("];

/// In names, these say that something has not been understood yet.
const EMPTY_WORDS: &[&str] = &["Handler", "Helper", "Manager", "Util"];

#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Anywhere,
    Tests,
}

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.files() {
        let Some(text) = file.text() else { continue };
        let mut report = |line: usize, what: &str| {
            found.push(format!("{}:{line}: {what}", file.path));
        };
        match file.extension() {
            "rs" => check_rust(file, text, &mut report),
            "py" | "js" | "mjs" | "ts" => check_script(text, &mut report),
            _ => (),
        }
        let is_ours = !file.path.starts_with("fuzz/corpus/");
        if is_ours {
            check_spaces(file, text, &mut report);
        }
    }
    found
}

fn check_rust(file: File<'_>, text: &str, report: &mut impl FnMut(usize, &str)) {
    if !text.starts_with("//! ") {
        report(1, "begin with a //! line that says what this file is for");
    }
    if FILE_LINES_MAX < text.lines().count() {
        report(1, "too long to be about one thing");
    }
    if file.path.ends_with("/mod.rs") {
        report(1, "name a module's file after it");
    }
    let source = without_strings(text);
    let tests_from = match file.is_test() {
        true => 0,
        false => without_tests(text).lines().count(),
    };
    for (index, line) in source.lines().enumerate() {
        if COLUMNS_MAX < line.chars().count() {
            report(index + 1, &format!("{} columns", line.chars().count()));
        }
        for (word, place, remedy) in WORDS {
            if line.contains(word) && (*place == Place::Anywhere || tests_from <= index) {
                report(index + 1, &format!("{word} {remedy}"));
            }
        }
        if let Some(name) =
            declared(line).filter(|it| EMPTY_WORDS.iter().any(|word| it.contains(word)))
        {
            report(index + 1, &format!("{name} says nothing; name it for what it does"));
        }
    }
    for function in functions(&source).filter(|it| FN_LINES_MAX < it.lines) {
        let known = |it: &&(&str, &str, &str)| (it.0, it.1) == (file.path, function.name);
        if LONG.iter().find(known).is_none() {
            report(function.line, &format!("{} has {} lines", function.name, function.lines));
        }
    }
}

fn check_script(text: &str, report: &mut impl FnMut(usize, &str)) {
    for (index, line) in text.lines().enumerate() {
        if COLUMNS_MAX < line.chars().count() && !line.contains('"') && !line.contains('\'') {
            report(index + 1, &format!("{} columns", line.chars().count()));
        }
        for word in SKIPS.iter().chain(&["FIXME"]).filter(|it| line.contains(**it)) {
            report(index + 1, &format!("{word}: mend the test, or take it out"));
        }
    }
}

fn check_spaces(file: File<'_>, text: &str, report: &mut impl FnMut(usize, &str)) {
    // A snapshot may show a space; a string without its inside has none.
    let shown = if file.extension() == "rs" { without_strings(text) } else { text.to_owned() };
    for (index, line) in shown.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            report(index + 1, "trailing space");
        }
    }
}

/// The type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.split(|it: char| !it.is_alphanumeric() && it != '_');
    words.find(|it| matches!(*it, "struct" | "enum" | "trait"))?;
    words.next().filter(|it| it.starts_with(char::is_uppercase))
}

struct Function<'a> {
    name: &'a str,
    /// From one.
    line: usize,
    lines: usize,
}

/// Functions that are not inside another. Rustfmt puts the closing brace under the `fn`.
fn functions(source: &str) -> impl Iterator<Item = Function<'_>> {
    let mut opened: Option<(usize, usize, &str)> = None;
    source.lines().enumerate().filter_map(move |(index, line)| {
        let indent = line.len() - line.trim_start().len();
        match opened {
            None => {
                let name = line.split_once("fn ").filter(|_| !line.trim_start().starts_with("//"));
                let name = name.and_then(|it| it.1.split(['(', '<']).next());
                // A signature that takes several lines opens its body on a line of its own.
                opened = name.filter(|_| !line.ends_with([';', '}'])).map(|it| (index, indent, it));
                None
            }
            Some((start, depth, name))
                if indent == depth && line.trim_end() == line && line.trim() == "}" =>
            {
                opened = None;
                Some(Function { name, line: start + 1, lines: index - start + 1 })
            }
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn untidy_rust_is_found() {
        let long = format!("//! Long.\n\nfn f(\n) {{\n{}}}\n", "    g();\n".repeat(68));
        let wide =
            format!("//! Wide.\n// {}\nconst A: &str = \"{}\";\n", "é".repeat(98), "a".repeat(99));
        let files = [
            ("a/bare.rs", "fn f() {}\n"),
            ("a/endless.rs", &format!("//! Endless.\n{}", "\n".repeat(600))),
            ("a/later.rs", "//! Later.\n// FIXME: finish\nfn f() {\n    todo!()\n}\n"),
            ("a/long.rs", &long),
            ("a/mod.rs", "//! A.\n"),
            ("a/name.rs", "//! A name.\npub struct ConnManager;\nenum Util<T> {}\n"),
            ("a/space.rs", "//! Space. \nconst A: &str = \"\n a \n\";\n"),
            ("a/wide.rs", &wide),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                a/bare.rs:1: begin with a //! line that says what this file is for
                a/endless.rs:1: too long to be about one thing
                a/later.rs:2: FIXME means now; say TODO(name) for later
                a/later.rs:4: todo! is a promise; write it
                a/long.rs:3: f has 71 lines
                a/mod.rs:1: name a module's file after it
                a/name.rs:2: ConnManager says nothing; name it for what it does
                a/name.rs:3: Util says nothing; name it for what it does
                a/space.rs:1: trailing space
                a/wide.rs:2: 101 columns
            "#]],
        );
    }

    #[test]
    fn untidy_tests_are_found() {
        let asleep = "//! A.\nfn f() {\n    thread::sleep(A);\n}\n\
                      #[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore]\n    #[should_panic]\n    \
                      fn g() {\n        thread::sleep(A);\n    }\n}\n";
        let files = [
            ("a/asleep.rs", asleep),
            ("a/tests.rs", "//! Tests.\nfn f() {\n    thread::sleep(A);\n}\n"),
            ("tests/outside/test_a.py", "@pytest.mark.skip\ndef test_a(): \n    pass\n"),
            ("tests/outside/a.test.mjs", "test.only('a', () => {})\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                a/asleep.rs:8: #[ignore mend the test, or take it out
                a/asleep.rs:9: should_panic catch what panics, and look at the message
                a/asleep.rs:11: thread::sleep wait for what you wait for, with a deadline
                a/tests.rs:3: thread::sleep wait for what you wait for, with a deadline
                tests/outside/a.test.mjs:1: test.only(: mend the test, or take it out
                tests/outside/test_a.py:1: mark.skip: mend the test, or take it out
                tests/outside/test_a.py:2: trailing space
            "#]],
        );
    }

    #[test]
    fn whoever_is_listed_is_still_long() {
        let tree = Tree::of_this_repository();
        for (path, name, _) in LONG {
            let source = without_strings(tree.text(path).unwrap_or_default());
            let is_long = |it: Function<'_>| it.name == *name && FN_LINES_MAX < it.lines;
            assert!(
                functions(&source).any(is_long),
                "{path}: {name} is short; take it off the list"
            );
        }
    }

    #[test]
    fn tidy_source_is_left_alone() {
        let exact =
            format!("//! Exact.\n\nfn f() {{\n{}}}\n\nfn g() {{}}\n", "    g();\n".repeat(68));
        check(findings, &[("a/exact.rs", &exact)], expect![""]);
    }
}
