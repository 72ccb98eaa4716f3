//! The house the stories happen in: its routes, its rules and its tokens.

use std::{sync::Arc, time::Duration};

use limits::{Mode, Rate};
use permission::{Action, Requirements, Rule};
use proto::{Dialect, Identity, ShardId, UnixTime, UserId};

use crate::{
    Class, Confirm, Keep, LogRules, Namespace, Namespaces, Policy, PresenceRules, Rules, Slow,
    Storage,
};

/// Routes by the names the scripts call them.
pub(super) const ROUTES: [&str; 10] = [
    "native",
    "observed",
    "quiet",
    "plain",
    "app",
    "chat",
    "strict",
    "events",
    "recovering",
    "returning",
];

pub(super) fn rules(shard: u16, shards: u16, epoch_seed: u64) -> Rules {
    Rules {
        shard: ShardId(shard),
        shards,
        epoch_seed,
        policies: ROUTES.iter().map(|it| policy(it)).collect(),
        namespaces: Arc::new(namespaces()),
        keys_for: Duration::from_secs(60),
        log_bytes_max: 64 << 20,
        row_last: 0,
        permissions: Arc::new(permissions()),
    }
}

/// `log` is confirmed on disk and `quick` before, `memory` keeps three messages, `mail` is sent
/// until it is acknowledged, `post` too and confirmed before, `talk`
/// says who has read what; `hall` tells who is there, and `inn`
/// only how many, from three on. In `dark` nobody may know.
fn namespaces() -> Namespaces {
    let kept = |storage, confirm| LogRules { storage, confirm, keep: Keep::default() };
    let on_disk = kept(Storage::Disk(Class::Sync), Confirm::Disk);
    let quick = kept(Storage::Disk(Class::Interval), Confirm::Accepted);
    let few = Keep { messages_max: 3, ..Keep::default() };
    let in_memory = LogRules { storage: Storage::Memory, keep: few, ..LogRules::default() };
    let with = |log| Namespace { log, ..Namespace::default() };
    let few_names = PresenceRules { events_max: 2, ..PresenceRules::default() };
    let named = [
        ("news", Namespace { slow: Slow::Drop, ..Namespace::default() }),
        ("log", with(on_disk)),
        ("quick", with(quick)),
        ("memory", with(in_memory)),
        ("mail", Namespace { is_mailbox: true, ..with(on_disk) }),
        ("post", Namespace { is_mailbox: true, ..with(quick) }),
        (
            "letters",
            Namespace {
                has_receipts: true,
                presence: Some(PresenceRules::default()),
                ..with(on_disk)
            },
        ),
        ("devices", Namespace { has_receipts: true, by_device: true, ..with(in_memory) }),
        ("hall", Namespace { presence: Some(PresenceRules::default()), ..Namespace::default() }),
        ("dark", Namespace { presence: Some(PresenceRules::default()), ..Namespace::default() }),
        ("inn", Namespace { presence: Some(few_names), ..Namespace::default() }),
        ("talk", Namespace { has_receipts: true, ..with(in_memory) }),
    ];
    Namespaces {
        named: named.into_iter().map(|it| (it.0.to_owned(), it.1)).collect(),
        default: Namespace::default(),
    }
}

fn policy(route: &str) -> Policy {
    let dialect = match route {
        "plain" | "app" | "strict" => Dialect::Plain,
        "events" | "recovering" | "returning" => Dialect::SocketIo,
        _ => Dialect::Native,
    };
    let mode = if route == "observed" { Mode::Observe } else { Mode::Enforce };
    Policy {
        dialect,
        has_app: matches!(route, "app" | "chat" | "strict" | "returning"),
        recovers: matches!(route, "recovering" | "returning"),
        messages: Some(Rate::per_minute(60).unwrap()),
        typing: Some(Rate::new(10, Duration::from_secs(5)).unwrap()),
        messages_mode: mode,
        ping_every: Duration::from_secs(25),
        pong_within: Duration::from_secs(10),
        idle_after: (route == "quiet").then(|| Duration::from_secs(60)),
        first_message_within: Duration::from_secs(10),
        expiry_notice: Duration::from_secs(30),
        channels_max: 3,
        asks_waiting_max: if route == "strict" { 0 } else { 2 },
    }
}

/// Everyone may do everything where no staff is.
fn permissions() -> permission::Rules {
    let actions = vec![Action::Subscribe, Action::Publish, Action::Signal, Action::History];
    let rule = |pattern: &str, require: Requirements| Rule {
        actions: actions.clone(),
        pattern: pattern.parse().unwrap(),
        require,
    };
    let staff = || Requirements::from([("role".to_owned(), vec!["staff".to_owned()])]);
    let open = [
        "den",
        "lobby",
        "room:*",
        "news:*",
        "log:*",
        "quick:*",
        "memory:*",
        "mail:*",
        "talk:*",
        "post:*",
        "hall:*",
        "inn:*",
        "dark:*",
        "letters:*",
        "devices:*",
    ];
    let mut allow: Vec<Rule> = open.iter().map(|it| rule(it, Requirements::new())).collect();
    allow.push(rule("staff:*", staff()));
    // Nobody sees who is in the dark, and in the hall no strangers do.
    let seers = Requirements::from([("role".to_owned(), vec!["guest".into(), "staff".into()])]);
    let see = |pattern: &str| Rule {
        actions: vec![Action::Presence],
        pattern: pattern.parse().unwrap(),
        require: seers.clone(),
    };
    allow.extend(["den", "hall:*", "inn:*", "letters:*"].map(see));
    permission::Rules { allow, deny: Vec::new() }
}

/// What a token says: the user, a role, and its end, which is told as seconds since 1970.
pub(super) fn identity(user: &str, role: &str, lasts: Duration) -> Arc<Identity> {
    Arc::new(Identity {
        user: UserId::parse(user).unwrap(),
        expires_at: UnixTime(lasts.as_secs()),
        issued_at: None,
        token_id: None,
        claims: format!(r#"{{"sub":"{user}","role":"{role}"}}"#).into(),
    })
}
