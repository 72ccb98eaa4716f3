//! Which channels a rule is about.

use proptest::prelude::*;

use super::*;
use crate::fixtures::{channel, hostile_names, person};

#[test]
fn a_star_is_one_part_and_at_the_end_one_or_more() {
    let ann = person("42", r#"{"project":7,"rooms":["a","b"],"nested":{"x":1},"pi":3.5}"#);
    for (text, name, expected) in [
        ("lobby", "lobby", true),
        ("lobby", "lobby2", false),
        ("lobby", "lobby:a", false),
        ("*", "lobby", true),
        ("*", "lobby:a:b", true),
        ("chat:*", "chat:a", true),
        ("chat:*", "chat:a:b", true),
        ("chat:*", "chat:", true),
        ("chat:*", "chat", false),
        ("chat:*", "chatter:a", false),
        ("chat:*:inbox", "chat:a:inbox", true),
        ("chat:*:inbox", "chat:a:b:inbox", false),
        ("chat:*:inbox", "chat:inbox", false),
        ("*:inbox", "a:inbox", true),
        ("*:*", "a", false),
        ("*:*", "a:b:c", true),
        ("user:{user}", "user:42", true),
        ("user:{user}", "user:43", false),
        ("user:{user}", "user:42:x", false),
        ("user:{user}:*", "user:42:x", true),
        ("project:{claims.project}:*", "project:7:x", true),
        ("project:{claims.project}:*", "project:8:x", false),
        ("room:{claims.rooms}", "room:a", true),
        ("room:{claims.rooms}", "room:b", true),
        ("room:{claims.rooms}", "room:c", false),
        ("x:{claims.nested}", "x:1", false),
        ("x:{claims.pi}", "x:3.5", false),
        ("x:{claims.none}", "x:", false),
        ("x:{claims.none}", "x:null", false),
    ] {
        let found = Pattern::parse(text).unwrap().matches(Some(&ann), &channel(name));
        assert_eq!(found, expected, "{name} of {text}");
    }
    assert!(!Pattern::parse("user:{user}").unwrap().matches(None, &channel("user:42")));
    assert!(Pattern::parse("chat:*").unwrap().matches(None, &channel("chat:42")));
}

#[test]
fn what_is_no_pattern_is_refused() {
    let mixture = |it: &str| BadPattern::Mixture(it.to_owned());
    for (text, expected) in [
        ("", BadName::Empty.into()),
        ("a:", BadName::Empty.into()),
        ("$*", BadName::Reserved.into()),
        ("@x", BadName::Reserved.into()),
        ("a?", BadName::Character.into()),
        ("a[b]", BadName::Character.into()),
        ("chat*", mixture("chat*")),
        ("**", mixture("**")),
        ("a:b*", mixture("b*")),
        ("a{user}", mixture("a{user}")),
        ("room:{room}", BadPattern::Capture(Placeholder::Capture("room".into()))),
        ("{claims.}", BadPlaceholder::ClaimName("claims.".to_owned()).into()),
        ("{*}", BadPlaceholder::Unknown("*".to_owned()).into()),
    ] {
        assert_eq!(Pattern::parse(text), Err(expected), "{text}");
    }
}

/// Threat C1, over the whole catalogue: whatever a user is called, `user:{user}` is that user's
/// channel, and no other in the catalogue.
#[test]
fn a_hostile_user_has_at_most_the_channel_of_that_name() {
    let own = Pattern::parse("user:{user}").unwrap();
    let names = hostile_names();
    let channels: Vec<ChannelName> =
        names.iter().filter_map(|it| ChannelName::parse(&format!("user:{it}")).ok()).collect();
    for user in names.iter().filter(|it| !it.is_empty() && it.len() <= 128) {
        let mallory = person(user, "{}");
        for channel in &channels {
            let is_own = channel.as_str() == format!("user:{user}") && !user.contains(':');
            assert_eq!(own.matches(Some(&mallory), channel), is_own, "{user:?} {channel}");
        }
    }
}

proptest! {
    #[test]
    fn a_value_never_widens_a_pattern(
        user in prop_oneof!["[a*:{}]{1,5}", ".{1,20}"],
        name in prop_oneof!["[a:]{1,6}", "user:[a:]{0,5}"],
    ) {
        let mallory = person(&user, "{}");
        let Ok(channel) = ChannelName::parse(&name) else { return Ok(()) };
        let own = Pattern::parse("user:{user}").unwrap();
        let is_own = name == format!("user:{user}") && !user.contains(':');
        prop_assert_eq!(own.matches(Some(&mallory), &channel), is_own);
    }

    #[test]
    fn no_pattern_stops_us(text in "[a{}:.*claimsuser$]{0,30}", name in "[a:]{1,20}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let _ = pattern.matches(Some(&person("1", "{}")), &channel(&name));
        }
    }
}
