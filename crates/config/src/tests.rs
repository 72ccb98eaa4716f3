//! Stories of files, good and bad.

use std::{collections::BTreeMap, path::PathBuf};

use expect_test::{Expect, ExpectFile, expect_file};
use proptest::prelude::*;

use crate::{Config, Faults, LoadError, Surroundings, explain, load_in, load_text, page};

mod environment;
mod examples;
mod faults;
mod key_faults;
mod meaning;
mod profiles;
mod route_faults;

/// What a file says around the part that a test is about: a key and a verifier.
const KEYS: &str = r#"
profile = "development"
[keys.main]
secret = { env = "TIDEGATE_SECRET" }
[tokens.access]
keys = ["main"]
"#;

/// A route that is fine, to add one thing to.
fn route(more: &str) -> String {
    format!("{KEYS}[[routes]]\npath = \"/ws/{{room}}\"\ntokens = \"access\"\n{more}\n")
}

fn variables() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("TIDEGATE_SECRET".to_owned(), "0123456789abcdef0123456789abcdef".to_owned()),
        ("TIDEGATE_API_KEY".to_owned(), "fedcba9876543210fedcba9876543210".to_owned()),
    ])
}

/// Both secrets are set, and long enough; the folder is that of this crate.
fn surroundings() -> Surroundings {
    Surroundings::new(variables(), PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

fn with(name: &str, text: &str) -> Surroundings {
    let mut surroundings = surroundings();
    surroundings.set(name, text);
    surroundings
}

fn read(text: &str) -> Result<Config, Faults> {
    load_text("tidegate.toml", text, &surroundings())
}

/// The configuration that `text` means.
fn meant(text: &str) -> Config {
    read(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What is told about `text`: faults, or else warnings.
fn check(text: &str, expected: Expect) {
    check_in(text, &surroundings(), expected);
}

fn check_in(text: &str, surroundings: &Surroundings, expected: Expect) {
    let told = match load_text("tidegate.toml", text, surroundings) {
        Err(faults) => format!("{faults}\n"),
        Ok(config) if config.warnings.is_empty() => "fine\n".to_owned(),
        Ok(config) => format!("warnings\n{}\n", Faults(config.warnings)),
    };
    expected.assert_eq(&told.replace(env!("CARGO_MANIFEST_DIR"), "FOLDER"));
}

#[test]
fn the_page_of_keys_is_what_the_reader_asks() {
    let page_file: ExpectFile = expect_file!["../../../docs/configuration.md"];
    page_file.assert_eq(&page());
}

#[test]
fn the_example_on_the_page_is_read() {
    let page = page();
    let example = page.split("```").nth(1).unwrap().strip_prefix("toml").unwrap();
    let example = example.replace("live.pem", "Cargo.toml").replace("live.key", "Cargo.toml");
    assert_eq!(meant(&example).warnings, []);
}

#[test]
fn every_key_is_explained_once_and_in_sentences() {
    let mut seen = std::collections::BTreeSet::new();
    for key in explain() {
        assert!(seen.insert(key.path.clone()), "{} twice", key.path);
        let begins = key.says.starts_with(|it: char| !it.is_lowercase())
            || key.says.starts_with("permessage-deflate");
        assert!(begins && key.says.ends_with('.'), "{}: {}", key.path, key.says);
        assert!(!key.kind.is_empty(), "{}", key.path);
    }
}

#[test]
fn a_file_that_is_not_there_is_a_failure_that_names_it() {
    let path = PathBuf::from("/nowhere/tidegate.toml");
    let failure = load_in(&path, &surroundings()).unwrap_err();
    assert!(matches!(failure, LoadError::Read { .. }));
    assert_eq!(failure.to_string(), "read configuration /nowhere/tidegate.toml");
}

#[test]
fn secrets_are_never_printed() {
    let text = format!(
        "{KEYS}[api]\nkeys = [{{ name = \"b\", secret = {{ env = \"TIDEGATE_API_KEY\" }}, \
         scopes = [\"admin\"] }}]"
    );
    let printed = format!("{:?} {:?}", meant(&text), surroundings());
    for secret in variables().values() {
        assert!(!printed.contains(secret.as_str()));
    }
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(text in "\\PC*") {
        let _ = read(&text);
    }

    #[test]
    fn no_file_that_looks_like_one_brings_the_reader_down(
        lines in prop::collection::vec(line(), 0..40)
    ) {
        let _ = read(&lines.join("\n"));
    }
}

/// A line of a file by someone who has read the manual and cannot type.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<String> =
        explain().into_iter().map(|it| it.path.replace("[]", "").replace("NAME", "main")).collect();
    let last = |it: &String| it.rsplit('.').next().unwrap_or(it).to_owned();
    let leaves: Vec<String> = keys.iter().map(last).collect();
    let values = prop::sample::select(vec![
        "1",
        "-1",
        "0",
        "99999999999999999999",
        "1.5",
        "nan",
        "true",
        "[]",
        "{}",
        "[[]]",
        "'none'",
        "'*'",
        "'same'",
        "'30s'",
        "'64KiB'",
        "'60/min'",
        "'0/s'",
        "['access']",
        "'access'",
        "'/a/{b}'",
        "['{b}']",
        "['user:{user}']",
        "{ env = 'TIDEGATE_SECRET' }",
        "{ file = '/dev/null' }",
        "{ file = 'src' }",
        "2020-01-01",
        "'production'",
        "'é'",
        "''",
        "'close'",
        "['cookie:a']",
    ]);
    prop_oneof![
        prop::sample::select(keys.clone()).prop_map(|it| format!("[{it}]")),
        prop::sample::select(keys).prop_map(|it| format!("[[{it}]]")),
        (prop::sample::select(leaves), values).prop_map(|(key, value)| format!("{key} = {value}")),
        "\\PC{0,20}",
    ]
}
