//! The one question, against an answer anyone can read.

use proto::{ChannelName, Identity};

use super::*;
use crate::{
    Pattern, Requirements,
    fixtures::{channel, person},
};

fn rule(actions: &[Action], pattern: &str, require: &[(&str, &[&str])]) -> Rule {
    let values = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
    let require: Requirements = require.iter().map(|it| (it.0.to_owned(), values(it.1))).collect();
    Rule { actions: actions.to_vec(), pattern: Pattern::parse(pattern).unwrap(), require }
}

/// A rule as a plain function of user, role, projects and channel.
type Plain = fn(&Person, &str) -> bool;

struct Person {
    identity: Option<Identity>,
    user: &'static str,
    role: &'static str,
    projects: &'static [&'static str],
    /// What the token grants and denies: actions and a plain function.
    grants: &'static [(&'static [Action], Plain)],
    denies: &'static [(&'static [Action], Plain)],
}

const TALK: &[Action] = &[Action::Subscribe, Action::Publish];

fn people() -> Vec<Person> {
    let someone = |user, role, projects, claims: &str| Person {
        identity: Some(person(user, claims)),
        user,
        role,
        projects,
        grants: &[],
        denies: &[],
    };
    let nobody = Person { identity: None, ..someone("nobody", "", &[], "{}") };
    let grants = r#"{"role":"member","tidegate":{
        "grants":[{"actions":["subscribe","publish"],"channels":["chat:vip","extra:*"]}],
        "deny":[{"actions":["publish","history"],"channels":["chat:*","user:{user}"]}]}}"#;
    vec![
        nobody,
        someone("1", "", &[], "{}"),
        someone("1", "admin", &[], r#"{"role":"admin"}"#),
        someone("2", "member", &["7"], r#"{"role":"member","project":7}"#),
        someone("2", "admin", &["7", "8"], r#"{"role":["member","admin"],"project":["7",8]}"#),
        someone("*", "*", &["*"], r#"{"role":"*","project":"*"}"#),
        someone("1:admin", "", &[], "{}"),
        Person {
            grants: &[
                (TALK, |_, name| name == "chat:vip"),
                (TALK, |_, name| name.starts_with("extra:")),
            ],
            denies: &[
                (&[Action::Publish, Action::History], |_, name| name.starts_with("chat:")),
                (&[Action::Publish, Action::History], |_, name| name == "user:3"),
            ],
            ..someone("3", "member", &[], grants)
        },
    ]
}

/// Each rule twice: as configured, and plain.
fn rules() -> [(bool, Rule, Plain); 8] {
    let all = Action::ALL;
    [
        (true, rule(all, "user:{user}", &[]), |who, name| {
            who.user != "nobody" && !who.user.contains(':') && name == format!("user:{}", who.user)
        }),
        (true, rule(TALK, "chat:*", &[]), |_, name| name.starts_with("chat:")),
        (true, rule(&[Action::Subscribe], "news", &[]), |_, name| name == "news"),
        (true, rule(all, "*", &[("role", &["admin", "root"])]), |who, _| who.role == "admin"),
        (true, rule(all, "project:{claims.project}:*", &[]), |who, name| {
            who.projects.iter().any(|it| name.starts_with(&format!("project:{it}:")))
        }),
        (false, rule(all, "chat:secret", &[]), |_, name| name == "chat:secret"),
        (false, rule(&[Action::Publish], "*:frozen", &[]), |_, name| {
            name.ends_with(":frozen") && name.split(':').count() == 2
        }),
        (false, rule(all, "project:*", &[("role", &["*"])]), |who, name| {
            who.role == "*" && name.starts_with("project:")
        }),
    ]
}

const CHANNELS: [&str; 22] = [
    "news",
    "chat:a",
    "chat:vip",
    "chat:secret",
    "chat:frozen",
    "chat:a:b",
    "chat",
    "user:1",
    "user:2",
    "user:3",
    "user:1:admin",
    "user:*x",
    "project:7:a",
    "project:7",
    "project:8:a:b",
    "project:9:a",
    "extra:a",
    "extra:frozen",
    "extra",
    "room:frozen",
    "frozen",
    "a:b:frozen",
];

/// Threat C3: action × rules × token × channel, every combination of rules, against the model.
#[test]
fn the_answer_is_the_plain_one() {
    let (table, people) = (rules(), people());
    let channels: Vec<Option<ChannelName>> =
        CHANNELS.iter().map(|it| ChannelName::parse(it).ok()).collect();
    for chosen in 0..1_u32 << table.len() {
        let chosen: Vec<_> =
            table.iter().enumerate().filter(|it| chosen >> it.0 & 1 == 1).map(|it| it.1).collect();
        let of = |allows| {
            chosen.iter().filter(move |it| it.0 == allows).map(|it| it.1.clone()).collect()
        };
        let rules = Rules { allow: of(true), deny: of(false) };
        for who in &people {
            for (channel, action) in channels
                .iter()
                .flatten()
                .flat_map(|channel| Action::ALL.iter().map(move |action| (channel, *action)))
            {
                let name = channel.as_str();
                let applies = |it: &&&(bool, Rule, Plain)| {
                    it.1.actions.contains(&action) && (it.2)(who, name)
                };
                let of_token = |list: &[(&[Action], Plain)]| {
                    list.iter().any(|it| it.0.contains(&action) && (it.1)(who, name))
                };
                let hits: Vec<bool> = chosen.iter().filter(applies).map(|it| it.0).collect();
                let is_denied = hits.contains(&false) || of_token(who.denies);
                let is_allowed = hits.contains(&true) || of_token(who.grants);
                let found = authorize(&rules, who.identity.as_ref(), action, channel).is_ok();
                assert_eq!(found, is_allowed && !is_denied, "{} {action} {name}", who.user);
            }
        }
    }
}

#[test]
fn nobody_reaches_the_gateways_own_channels() {
    let rules = Rules { allow: vec![rule(Action::ALL, "*", &[])], deny: Vec::new() };
    let root = person("root", r#"{"role":"admin"}"#);
    for name in ["$sys", "@me", "$sys:a", "@presence:lobby"] {
        let name = ChannelName::reserved(name).unwrap();
        for action in Action::ALL {
            let found = authorize(&rules, Some(&root), *action, &name);
            assert_eq!(found, Err(Denied::Reserved), "{action} {name}");
        }
    }
}

#[test]
fn a_denial_says_where_it_comes_from() {
    let rules = Rules {
        allow: vec![rule(Action::ALL, "chat:*", &[])],
        deny: vec![rule(&[Action::Publish], "chat:news", &[])],
    };
    let ann = person("1", r#"{"tidegate":{"deny":[{"actions":["publish"],"channels":["*"]}]}}"#);
    let ask = |action, name| authorize(&rules, Some(&ann), action, &channel(name));
    assert_eq!(ask(Action::Publish, "chat:news"), Err(Denied::ByRule));
    assert_eq!(ask(Action::Publish, "chat:a"), Err(Denied::ByToken));
    assert_eq!(ask(Action::Subscribe, "room:a"), Err(Denied::Default));
    assert_eq!(ask(Action::Subscribe, "chat:a"), Ok(()));
    assert_eq!(Refusal::from(Denied::ByRule), Refusal::from(Denied::Default), "not to the client");
}

/// A half-understood claim may have lost its denying half.
#[test]
fn a_claim_that_is_not_understood_denies_everything() {
    let rules = Rules { allow: vec![rule(Action::ALL, "*", &[])], deny: Vec::new() };
    for (claim, is_understood) in [
        (r"{}", true),
        (r#"{"grants":[]}"#, true),
        (r#"{"grants":[],"deny":[]}"#, true),
        (r#"{"deny":[{"actions":[],"channels":[]}]}"#, true),
        (r"null", false),
        (r"[]", false),
        (r#""*""#, false),
        (r#"{"denied":[]}"#, false),
        (r#"{"deny":{}}"#, false),
        (r#"{"deny":[[]]}"#, false),
        (r#"{"deny":[{}]}"#, false),
        (r#"{"deny":[{"actions":["publish"]}]}"#, false),
        (r#"{"deny":[{"actions":["publsh"],"channels":["*"]}]}"#, false),
        (r#"{"deny":[{"actions":"publish","channels":["a"]}]}"#, false),
        (r#"{"deny":[{"actions":["publish"],"channels":["a*"]}]}"#, false),
        (r#"{"deny":[{"actions":["publish"],"channels":[7]}]}"#, false),
        (r#"{"deny":[{"actions":["publish"],"channels":["a"],"until":9}]}"#, false),
        (r#"{"grants":[{"actions":["fly"],"channels":["a"]}]}"#, false),
    ] {
        let who = person("1", &format!(r#"{{"tidegate":{claim}}}"#));
        let found = authorize(&rules, Some(&who), Action::Subscribe, &channel("a"));
        let expected = if is_understood { Ok(()) } else { Err(Denied::Grants) };
        assert_eq!(found, expected, "{claim}");
    }
}

#[test]
fn requirements_hold_for_one_of_the_values_of_each_claim() {
    let require = |pairs: &[(&str, &[&str])]| rule(&[], "*", pairs).require;
    let ann = person("1", r#"{"role":"staff","level":3,"is_active":true,"teams":["a","b"]}"#);
    for (pairs, expected) in [
        (require(&[]), true),
        (require(&[("role", &["admin", "staff"])]), true),
        (require(&[("role", &["admin"])]), false),
        (require(&[("role", &[])]), false),
        (require(&[("role", &["staff"]), ("level", &["3"])]), true),
        (require(&[("role", &["staff"]), ("level", &["4"])]), false),
        (require(&[("is_active", &["true"])]), true),
        (require(&[("teams", &["b"])]), true),
        (require(&[("teams", &["a,b"])]), false),
        (require(&[("none", &[""])]), false),
    ] {
        assert_eq!(crate::holds(Some(&ann), &pairs), expected, "{pairs:?}");
    }
    assert!(crate::holds(None, &require(&[])));
    assert!(!crate::holds(None, &require(&[("role", &["staff"])])));
}
