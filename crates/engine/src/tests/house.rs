//! The house the stories happen in: its routes, its rules and its tokens.

use std::{sync::Arc, time::Duration};

use limits::{Mode, Rate};
use permission::{Action, Requirements, Rule};
use proto::{Dialect, Identity, ShardId, UnixTime, UserId};

use crate::{Namespace, Namespaces, Policy, Rules, Slow};

/// Routes by the names the scripts call them.
pub(super) const ROUTES: [&str; 7] =
    ["native", "observed", "quiet", "plain", "app", "chat", "strict"];

pub(super) fn rules(shard: u16, shards: u16, epoch_seed: u64) -> Rules {
    Rules {
        shard: ShardId(shard),
        shards,
        epoch_seed,
        policies: ROUTES.iter().map(|it| policy(it)).collect(),
        namespaces: Arc::new(Namespaces {
            named: vec![("news".to_owned(), Namespace { slow: Slow::Drop })],
            default: Namespace::default(),
        }),
        permissions: Arc::new(permissions()),
    }
}

fn policy(route: &str) -> Policy {
    let dialect = match route {
        "plain" | "app" | "strict" => Dialect::Plain,
        _ => Dialect::Native,
    };
    let mode = if route == "observed" { Mode::Observe } else { Mode::Enforce };
    Policy {
        dialect,
        has_app: matches!(route, "app" | "chat" | "strict"),
        messages: Some(Rate::per_minute(60).unwrap()),
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

/// Everyone may do everything in den, lobby, news and room; staff only where staff is.
fn permissions() -> permission::Rules {
    let actions = vec![Action::Subscribe, Action::Publish, Action::Signal];
    let rule = |pattern: &str, require: Requirements| Rule {
        actions: actions.clone(),
        pattern: pattern.parse().unwrap(),
        require,
    };
    let staff = || Requirements::from([("role".to_owned(), vec!["staff".to_owned()])]);
    let open = ["den", "lobby", "room:*", "news:*"];
    let mut allow: Vec<Rule> = open.iter().map(|it| rule(it, Requirements::new())).collect();
    allow.push(rule("staff:*", staff()));
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
