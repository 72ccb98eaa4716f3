//! The rules of the simulated house, and who may hear what by them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use engine::{Namespace, Namespaces, Policy, Proof, Rules, Slow};
use permission::{Action, Rule};
use proto::{ChannelName, Dialect, Identity, ShardId, UnixTime, UserId};

/// Routes by their place in the policies.
pub(crate) const NATIVE: u16 = 0;
pub(crate) const PLAIN: u16 = 1;
pub(crate) const APP: u16 = 2;

pub(crate) const FIRST_MESSAGE_WITHIN: Duration = Duration::from_secs(3);

/// Every channel somebody may think of. Nobody may be in the vault; staff only where staff is; each
/// user in their own. Members of `news` that are slow miss messages and are told. In and out of
/// `app` people are put by the application, without being told.
pub(crate) const CHANNELS: [&str; 13] = [
    "room:0", "room:1", "room:2", "room:3", "news:0", "news:1", "staff:0", "staff:1", "user:u0",
    "user:u1", "user:u2", "vault", "app:0",
];

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("the names above are names")
}

pub(crate) fn is_loose(channel: &ChannelName) -> bool {
    channel.namespace() == "app"
}

/// What the rules below mean, said another way.
pub(crate) fn may(user: &str, role: &str, channel: &ChannelName) -> bool {
    match channel.namespace() {
        "room" | "news" => true,
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
        namespaces: Arc::new(Namespaces {
            named: vec![("news".to_owned(), Namespace { slow: Slow::Drop })],
            default: Namespace::default(),
        }),
        permissions: Arc::new(permissions()),
    }
}

fn policy(dialect: Dialect, has_app: bool) -> Policy {
    Policy {
        dialect,
        has_app,
        messages: None,
        messages_mode: Default::default(),
        ping_every: Duration::from_secs(4),
        pong_within: Duration::from_secs(2),
        idle_after: None,
        first_message_within: FIRST_MESSAGE_WITHIN,
        expiry_notice: Duration::from_secs(2),
        channels_max: 5,
        asks_waiting_max: 3,
    }
}

fn permissions() -> permission::Rules {
    let actions = vec![Action::Subscribe, Action::Publish, Action::Signal];
    let rule = |pattern: &str, require: BTreeMap<String, Vec<String>>| Rule {
        actions: actions.clone(),
        pattern: pattern.parse().expect("the patterns below are patterns"),
        require,
    };
    let staff = BTreeMap::from([("role".to_owned(), vec!["staff".to_owned()])]);
    let none = BTreeMap::new;
    let allow = vec![
        rule("room:*", none()),
        rule("news:*", none()),
        rule("user:{user}", none()),
        rule("staff:*", staff),
    ];
    permission::Rules { allow, deny: Vec::new() }
}
