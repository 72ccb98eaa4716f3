//! The rules of the simulated house, and who may hear what by them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use engine::{
    Class, Confirm, Keep, LogRules, Namespace, Namespaces, Policy, Proof, Rules, Slow, Storage,
};
use permission::{Action, Rule};
use proto::{ChannelName, Dialect, Identity, Reader, ShardId, UnixTime, UserId};

use crate::dice::Dice;

/// Routes by their place in the policies.
pub(crate) const NATIVE: u16 = 0;
pub(crate) const PLAIN: u16 = 1;
pub(crate) const APP: u16 = 2;

pub(crate) const FIRST_MESSAGE_WITHIN: Duration = Duration::from_secs(3);

/// How long a key is recognised.
pub(crate) const KEYS_FOR: Duration = Duration::from_secs(60);

/// Every channel somebody may think of. Nobody may be in the vault; staff only where staff is; each
/// user in their own. Members of `news` and `feed` that are slow miss messages and are told. In and
/// out of `app` people are put by the application, without being told.
///
/// On disk are `log`, `feed` and `mail`, confirmed when they are there; `quick` and `post`,
/// confirmed before. In memory are `memo`, of which little is kept, and `talk`. Mailboxes are
/// `mail`, which is a user's, and `post`, which is a device's.
pub(crate) const CHANNELS: [&str; 22] = [
    "room:0", "room:1", "room:2", "room:3", "news:0", "news:1", "staff:0", "staff:1", "user:u0",
    "user:u1", "user:u2", "vault", "app:0", "log:0", "log:1", "feed:0", "quick:0", "quick:1",
    "memo:0", "talk:0", "mail:0", "post:0",
];

/// Where those with logs begin.
const KEPT: usize = 13;

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("the names above are names")
}

/// Any channel, more often one with a log.
pub(crate) fn some_channel(dice: &mut Dice) -> ChannelName {
    let from = if dice.once_in(3) { 0 } else { KEPT };
    channel(dice.pick(&CHANNELS[from..]))
}

/// What becomes of what is said in a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    Nowhere,
    InMemory,
    /// On disk before anybody hears it.
    Safely,
    /// On disk soon.
    Soon,
}

pub(crate) fn kept(channel: &ChannelName) -> Kept {
    match channel.namespace() {
        "log" | "feed" | "mail" => Kept::Safely,
        "quick" | "post" => Kept::Soon,
        "memo" | "talk" => Kept::InMemory,
        _ => Kept::Nowhere,
    }
}

pub(crate) fn is_mailbox(channel: &ChannelName) -> bool {
    matches!(channel.namespace(), "mail" | "post")
}

/// Whose cursor somebody moves in a channel; nobody's where none are kept.
pub(crate) fn reader(
    channel: &ChannelName,
    user: &str,
    device: Option<&Arc<str>>,
) -> Option<Reader> {
    let device = match channel.namespace() {
        "mail" | "talk" => None,
        "post" => device.cloned(),
        _ => return None,
    };
    Some(Reader { user: UserId::parse(user)?, device })
}

pub(crate) fn is_loose(channel: &ChannelName) -> bool {
    channel.namespace() == "app"
}

/// What the rules below mean, said another way.
pub(crate) fn may(user: &str, role: &str, channel: &ChannelName) -> bool {
    match channel.namespace() {
        "room" | "news" | "log" | "feed" | "quick" | "memo" | "talk" | "mail" | "post" => true,
        "staff" => role == "staff",
        "user" => channel.as_str() == format!("user:{user}"),
        _ => false,
    }
}

/// A token as people carry it: `USER ROLE MILLIS`; anything else is not valid.
pub(crate) fn verify(token: &str) -> Option<Proof> {
    let words: Vec<&str> = token.split(' ').collect();
    let [user, role, millis] = words[..] else { return None };
    let expires_in = Duration::from_millis(millis.parse().ok()?);
    let identity = Identity {
        user: UserId::parse(user)?,
        expires_at: UnixTime(expires_in.as_secs()),
        issued_at: None,
        token_id: None,
        claims: format!(r#"{{"sub":"{user}","role":"{role}"}}"#).into(),
    };
    Some(Proof { identity: Arc::new(identity), expires_in, channels: Vec::new(), session: None })
}

pub(crate) fn rules(shard: u16, shards: u16, epoch_seed: u64) -> Rules {
    Rules {
        shard: ShardId(shard),
        shards,
        epoch_seed,
        policies: Arc::new([
            policy(Dialect::Native, false),
            policy(Dialect::Plain, false),
            policy(Dialect::Plain, true),
        ]),
        namespaces: Arc::new(namespaces()),
        keys_for: KEYS_FOR,
        log_bytes_max: 64 << 20,
        row_last: 0,
        permissions: Arc::new(permissions()),
    }
}

fn namespaces() -> Namespaces {
    let on_disk = |class, confirm| {
        let storage = Storage::Disk(class);
        LogRules { storage, confirm, keep: Keep::default() }
    };
    let safely = on_disk(Class::Sync, Confirm::Disk);
    let soon = on_disk(Class::Interval, Confirm::Accepted);
    let little = Keep { messages_max: 6, age_max: Duration::from_secs(20), ..Keep::default() };
    let in_memory = |keep| LogRules { storage: Storage::Memory, keep, ..LogRules::default() };
    let with = |log| Namespace { log, ..Namespace::default() };
    let named = [
        ("news", Namespace { slow: Slow::Drop, ..Namespace::default() }),
        ("log", with(safely)),
        ("feed", Namespace { slow: Slow::Drop, ..with(safely) }),
        ("quick", with(soon)),
        ("memo", with(in_memory(little))),
        (
            "talk",
            Namespace {
                has_receipts: true,
                ..with(in_memory(Keep { age_max: Duration::from_secs(30), ..Keep::default() }))
            },
        ),
        ("mail", Namespace { is_mailbox: true, ..with(safely) }),
        ("post", Namespace { is_mailbox: true, by_device: true, ..with(soon) }),
    ];
    Namespaces {
        named: named.into_iter().map(|it| (it.0.to_owned(), it.1)).collect(),
        default: Namespace::default(),
    }
}

fn policy(dialect: Dialect, has_app: bool) -> Policy {
    Policy {
        dialect,
        has_app,
        recovers: false,
        messages: None,
        typing: None,
        messages_mode: Default::default(),
        ping_every: Duration::from_secs(4),
        pong_within: Duration::from_secs(2),
        idle_after: None,
        first_message_within: FIRST_MESSAGE_WITHIN,
        expiry_notice: Duration::from_secs(2),
        channels_max: 6,
        asks_waiting_max: 3,
    }
}

fn permissions() -> permission::Rules {
    let actions = vec![Action::Subscribe, Action::Publish, Action::Signal, Action::History];
    let rule = |pattern: &str, require: BTreeMap<String, Vec<String>>| Rule {
        actions: actions.clone(),
        pattern: pattern.parse().expect("the patterns below are patterns"),
        require,
    };
    let staff = BTreeMap::from([("role".to_owned(), vec!["staff".to_owned()])]);
    let none = BTreeMap::new;
    let open = ["room", "news", "log", "feed", "quick", "memo", "talk", "mail", "post"];
    let mut allow: Vec<Rule> = open.iter().map(|it| rule(&format!("{it}:*"), none())).collect();
    allow.push(rule("user:{user}", none()));
    allow.push(rule("staff:*", staff));
    permission::Rules { allow, deny: Vec::new() }
}
