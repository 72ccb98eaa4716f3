//! The scanner against serde's reader, and what is found in what it let pass.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

#[test]
fn json_is_what_rfc_8259_says() {
    let numbers = "0 -0 1.5e-7 1E+2 123456789012345678901234567890";
    let texts = r#""" "\"\\\/\b\f\n\r\t\u00e9\ud800" "é" "'" null true false"#;
    let nests = "[] {} [1,[2,{\"a\":[]}]] {\"a\":1,\"a\":2}";
    let words = [numbers, texts, nests].into_iter().flat_map(|it| it.split(' '));
    for text in words.chain(["[ ]", "{ }", "[\t1 ,\r\n2 ]", "\" \u{7f}\u{2028}\""]) {
        assert_eq!(Json::parse(text).map(Json::as_str), Ok(text), "{text}");
    }
}

#[test]
fn what_nearly_is_json_is_not() {
    let numbers = "01 - +1 .5 1. 1e 1e+ 0x1 NaN Infinity 1,2 nul nulll True undefined";
    let texts = r#"" "\" "\x" "\u12g4" "\u12" 'a'"#;
    let nests = r#"[ [1 [1, [1,] [,1] ] { {"a" {"a": {"a":1,} {a:1} {1:1} {"a"1} [} {]"#;
    let words = [numbers, texts, nests].into_iter().flat_map(|it| it.split(' '));
    for text in words.chain(["", " ", " 1", "1 ", "\"\t\"", "[1 2]", "\u{feff}1", "\u{a0}1"]) {
        assert_eq!(Json::parse(text), Err(JsonFault::NotJson), "{text}");
    }
}

#[test]
fn depth_is_counted_in_arrays_and_objects() {
    let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(Json::parse(&nested(DEPTH_MAX + 1)), Err(JsonFault::TooDeep));
    let nested = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(Json::parse(&nested(DEPTH_MAX + 1)), Err(JsonFault::TooDeep));
    assert_eq!(Json::parse(&"[".repeat(1 << 20)), Err(JsonFault::TooDeep));
}

#[test]
fn a_member_is_found_by_what_it_is_called() {
    let json = Json::parse(r#"{"a":{"b":1}, "b" : "x" ,"c\u0064":[1,2],"e":1,"e":2,"f":null}"#);
    let json = json.unwrap();
    let member = |name| json.member(name).map(Json::as_str);
    assert_eq!(member("a"), Some(r#"{"b":1}"#));
    assert_eq!(member("b"), Some(r#""x""#));
    assert_eq!(member("cd"), Some("[1,2]"));
    assert_eq!(member("e"), None, "twice is not at all");
    assert_eq!(member("f"), Some("null"));
    assert_eq!(member("__proto__"), None);
    assert_eq!(member(""), None);
    for other in ["[]", "1", "\"a\"", "{}"] {
        assert_eq!(Json::parse(other).unwrap().member("a"), None);
    }
}

#[test]
fn texts_lose_their_escapes() {
    let text = |json| Json::parse(json).unwrap().to_text();
    assert_eq!(text(r#""a\u00e9\n""#).as_deref(), Some("aé\n"));
    assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
    assert_eq!(text(r#""\ud83d""#), None);
    assert_eq!(text("1"), None);
}

/// Letters that come up in JSON, so that most of what they make nearly is.
fn nearly_json() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\\",
        "\\u00e9",
        "\\ud800",
        "0",
        "1",
        "-",
        ".5",
        "e",
        "+",
        "true",
        "null",
        " ",
        "\n",
        "é",
        "\u{1}",
        "\"num\":",
        "\"_placeholder\":true",
    ]);
    proptest::collection::vec(word, 0..12).prop_map(|it| it.concat())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // Quarters, because serde's reader is off by a last digit for some others.
        any::<i32>().prop_map(|it| (f64::from(it) / 4.0).into()),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::btree_map(".{0,4}", inner, 0..5)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn agrees(text: &str) {
    let theirs = serde_json::from_str::<&RawValue>(text).is_ok_and(|it| it.get() == text);
    assert_eq!(Json::parse(text).is_ok(), theirs, "{text}");
}

proptest! {
    #[test]
    fn serde_says_the_same_of_what_nearly_is_json(text in nearly_json()) {
        agrees(&text);
        agrees(&format!("[{text}]"));
        agrees(&format!("\"{text}\""));
        agrees(&format!("{{\"a\":{text}}}"));
    }

    #[test]
    fn serde_says_the_same_of_any_text(text in ".{0,20}") {
        agrees(&text);
    }

    #[test]
    fn the_values_of_an_array_are_found(
        values in proptest::collection::vec(value(), 0..6),
        is_pretty in any::<bool>(),
    ) {
        let array = serde_json::Value::from(values.clone());
        let text = if is_pretty { format!("{array:#}") } else { array.to_string() };
        let inner = super::array(&text, None).unwrap();
        let found: Vec<serde_json::Value> = Items::new(&text[inner])
            .map(|it| serde_json::from_str(it.as_str()).unwrap())
            .collect();
        prop_assert_eq!(found, values);
    }
}
