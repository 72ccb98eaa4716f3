//! What a route's templates come to.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{hostile_names, person};

fn captures(pairs: &[(&str, &str)]) -> Captures {
    pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

#[test]
fn places_are_filled_from_the_token_and_the_path() {
    let ann = person("42", r#"{"role":"Admin","year":2026,"beta":true,"tags":["x"],"empty":""}"#);
    let path = captures(&[("id", "7"), ("channel", "room:a:b"), ("odd", "a:b")]);
    for (text, expected) in [
        ("checkins", Ok(Some("checkins"))),
        ("user:{user}", Ok(Some("user:42"))),
        ("role:{claims.role}", Ok(Some("role:Admin"))),
        ("year:{claims.year}", Ok(Some("year:2026"))),
        ("beta:{claims.beta}", Ok(Some("beta:true"))),
        ("project:{id}", Ok(Some("project:7"))),
        ("project:{id}:of:{user}", Ok(Some("project:7:of:42"))),
        ("{user}", Ok(Some("42"))),
        ("{channel}", Ok(Some("room:a:b"))),
        ("x:{channel}", Err(BadName::Character)),
        ("{odd}:x", Err(BadName::Character)),
        ("role:{claims.none}", Ok(None)),
        ("role:{claims.tags}", Ok(None)),
        ("role:{claims.empty}", Ok(None)),
        ("project:{missing}", Ok(None)),
        ("{missing}", Ok(None)),
    ] {
        let found = template(text).fill(Some(&ann), &path);
        let found = found.as_ref().map(|it| it.as_ref().map(ChannelName::as_str));
        assert_eq!(found, expected.as_ref().map(|it| *it), "{text}");
    }
    assert_eq!(template("user:{user}").fill(None, &path), Ok(None), "nobody has no channel");
}

#[test]
fn what_is_no_template_is_refused() {
    let mixture = |it: &str| BadTemplate::Mixture(it.to_owned());
    let unknown = |it: &str| BadPlaceholder::Unknown(it.to_owned()).into();
    for (text, expected) in [
        ("", BadName::Empty.into()),
        ("user:", BadName::Empty.into()),
        ("a::b", BadName::Empty.into()),
        ("$sys:{user}", BadName::Reserved.into()),
        ("@{user}", BadName::Reserved.into()),
        ("chat:*", BadName::Character.into()),
        ("a b", BadName::Character.into()),
        ("user-{user}", mixture("user-{user}")),
        ("{user}{claims.role}", unknown("user}{claims.role")),
        ("{user}-x", mixture("{user}-x")),
        ("{user", mixture("{user")),
        ("{}", unknown("")),
        ("{User}", unknown("User")),
        ("{claims}", unknown("claims")),
        ("{claims.}", BadPlaceholder::ClaimName("claims.".to_owned()).into()),
        ("{claims.a.b}", BadPlaceholder::ClaimName("claims.a.b".to_owned()).into()),
    ] {
        assert_eq!(Template::parse(text), Err(expected), "{text}");
    }
    assert_eq!(Template::parse(&"x".repeat(256)), Err(BadName::TooLong.into()));
}

/// Threat C1, over the whole catalogue: a value either stands in the name as it is, or nowhere.
#[test]
fn a_hostile_value_never_changes_the_shape() {
    let is_plain =
        |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-./@$#".contains(&it));
    for name in hostile_names().iter().filter(|it| !it.is_empty() && it.len() <= 128) {
        let claims = serde_json::json!({ "value": name }).to_string();
        let mallory = person(name, &claims);
        for text in ["user:{user}", "user:{claims.value}", "user:{user}:inbox"] {
            let expected = text.replace("{user}", name).replace("{claims.value}", name);
            let found = template(text).fill(Some(&mallory), &Captures::default());
            match is_plain(name) {
                true => assert_eq!(found.unwrap().unwrap().as_str(), expected),
                false => assert_eq!(found, Err(BadName::Character), "{name:?}"),
            }
        }
    }
}

/// Nobody gets among the gateway's own channels by being called so.
#[test]
fn a_filled_name_is_never_reserved() {
    for name in ["$sys", "@me"] {
        let mallory = person(name, "{}");
        let path = captures(&[("channel", name)]);
        for text in ["{user}", "{channel}", "{user}:x"] {
            let found = template(text).fill(Some(&mallory), &path);
            assert_eq!(found, Err(BadName::Reserved), "{text}");
        }
    }
}

proptest! {
    /// Two people share a channel of their own only if they are one.
    #[test]
    fn filling_loses_nothing(
        one in ("[a:*{}]{1,4}", "[a:*{}]{1,4}"),
        two in ("[a:*{}]{1,4}", "[a:*{}]{1,4}"),
    ) {
        let of = |(user, role): &(String, String)| {
            let claims = serde_json::json!({ "role": role }).to_string();
            let who = person(user, &claims);
            template("x:{user}:{claims.role}").fill(Some(&who), &Captures::default()).ok().flatten()
        };
        if let (Some(first), Some(second)) = (of(&one), of(&two)) {
            prop_assert_eq!(first == second, one == two);
        }
    }

    #[test]
    fn a_filled_name_has_the_parts_of_its_template(user in ".{1,40}", id in ".{0,40}") {
        let path = captures(&[("id", &id)]);
        for text in ["user:{user}", "{user}", "a:{id}:{user}:b"] {
            if let Ok(Some(name)) = template(text).fill(Some(&person(&user, "{}")), &path) {
                prop_assert_eq!(name.as_str().split(':').count(), text.split(':').count());
            }
        }
    }

    #[test]
    fn no_template_stops_us(text in "[a{}:.*claimsuser$]{0,30}") {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.fill(Some(&person("1", "{}")), &Captures::default());
        }
    }
}
