//! The files that a newcomer starts from.

use std::{path::PathBuf, time::Duration};

use admission::{RefusalStyle, Route, TokenSource};
use engine::Storage;
use limits::Rate;
use proto::Dialect;

use super::variables;
use crate::{AppKind, Config, Profile, Surroundings, load_in};

fn example(name: &str) -> Config {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let folder = path.parent().unwrap().to_owned();
    let config = load_in(&path, &Surroundings::new(variables(), folder));
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.warnings, []);
    assert_eq!(config.profile, Profile::Development);
    assert!(config.signing().is_some());
    assert_eq!(config.api.keys.len(), 1);
    config
}

fn paths_of(config: &Config) -> Vec<(&str, &str)> {
    config.routes.iter().map(|it| (&*it.route.name, it.route.path.as_str())).collect()
}

fn joins_of(route: &Route) -> Vec<&str> {
    route.joins.iter().map(|it| it.as_str()).collect()
}

/// System N, its four routes and the root (R41, clients C8).
#[test]
fn notifications_refuse_before_the_upgrade() {
    let config = example("notifications.toml");
    assert_eq!(
        paths_of(&config),
        [
            ("notifications", "/ws/notifications/"),
            ("notifications", "/"),
            ("projects", "/ws/projects/{id}/"),
            ("collaboration", "/ws/collaboration/{room}/"),
            ("system-health", "/ws/system-health/"),
        ]
    );
    for entry in &config.routes {
        let route = &entry.route;
        assert_eq!(route.refusal, RefusalStyle::Status);
        assert_eq!(route.limits.connections_per_address, Some(5), "R28");
        assert_eq!(route.limits.attempts_per_address, Rate::per_hour(10).ok(), "R27");
        assert_eq!(entry.policy.messages, Rate::per_minute(60).ok(), "R30");
        let sources = &route.tokens.as_ref().unwrap().sources;
        assert_eq!(sources, &[TokenSource::Query("token".to_owned()), TokenSource::Bearer]);
        assert!(route.allow_missing_origin);
    }
    assert_eq!(
        joins_of(&config.routes[0].route),
        ["notifications:user:{user}", "notifications:role:{claims.role}", "notifications:all"]
    );
    assert_eq!(config.routes[4].route.require["role"], ["Admin", "DepartmentAdmin"]);
    assert_eq!(config.apps[0].kind, AppKind::Notifications);
    assert_eq!(config.monitoring.admins.unwrap().any_of["is_staff"], ["true"]);
}

/// System G (R12, R13, R42, R132).
#[test]
fn checkins_close_with_4001_and_let_ten_of_one_address_in() {
    let config = example("checkins.toml");
    assert_eq!(
        paths_of(&config),
        [("checkins", "/ws/checkins/"), ("checkins", "/ws/checkins/{room}/")]
    );
    for entry in &config.routes {
        let route = &entry.route;
        assert_eq!(route.refusal, RefusalStyle::Close);
        assert_eq!(joins_of(route), ["checkins"]);
        assert_eq!(route.limits.connections_per_address, Some(10));
        assert!(route.limits.connections_per_user.is_none_or(|it| 10 <= it));
        // Ten connections and twenty surplus ones, with room for whoever else is there.
        assert!(route.limits.attempts_per_address.is_none_or(|it| 100 < it.count()));
        let sources = &route.tokens.as_ref().unwrap().sources;
        assert_eq!(sources, &[TokenSource::Query("token".to_owned())]);
    }
    assert_eq!(config.apps[0].kind, AppKind::Checkins);
}

/// System C (R4, R43).
#[test]
fn the_chat_is_where_its_client_dials_and_takes_a_token_as_it_sends_it() {
    let config = example("chat.toml");
    assert_eq!(paths_of(&config), [("chat", "/socket.io/")]);
    let [entry] = &config.routes[..] else { panic!("one route") };
    assert_eq!(entry.policy.dialect, Dialect::SocketIo);
    assert!(entry.policy.has_app);
    let sources = &entry.route.tokens.as_ref().unwrap().sources;
    assert_eq!(sources[0], TokenSource::FirstMessage);
    assert_eq!(config.apps[0].kind, AppKind::Chat);
    // It comes back with a token of a minute, and goes on in channels that are kept (clients C12).
    assert!(entry.policy.recovers && Duration::ZERO < entry.route.expiry_grace);
    assert_ne!(config.namespaces.of("chat").log.storage, Storage::None);
}

/// Bare, and twice the same channel.
#[test]
fn the_bench_of_socketio_has_both_dialects() {
    let config = example("socketio.toml");
    let dialects: Vec<_> = config.routes.iter().map(|it| it.policy.dialect).collect();
    assert_eq!(dialects, [Dialect::SocketIo, Dialect::Native]);
    for entry in &config.routes {
        assert_eq!(joins_of(&entry.route), ["{channel}"]);
        assert!(entry.policy.messages.is_none() && !entry.policy.recovers);
    }
}

#[test]
fn the_demo_has_all_three_applications() {
    let config = example("demo.toml");
    let kinds: Vec<AppKind> = config.apps.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [AppKind::Notifications, AppKind::Checkins, AppKind::Chat]);
    assert_ne!(config.namespaces.of("chat").log.storage, Storage::None);
    assert!(config.server.listen.ip().is_loopback());
}

#[test]
fn the_bench_has_no_limits() {
    let config = example("bench.toml");
    let paths = [("bench", "/ws/bench/{channel}"), ("native", "/ws/native"), ("echo", "/echo")];
    assert_eq!(paths_of(&config), paths);
    for entry in &config.routes {
        let limits = &entry.route.limits;
        assert_eq!(limits.connections_per_address, None);
        assert_eq!(limits.attempts_per_address, None);
        assert_eq!(limits.connections_per_user, None);
        assert_eq!(entry.policy.messages, None);
    }
    assert_eq!(config.server.limits.backoff, None);
    let [bench, native, echo] = &config.routes[..] else { panic!("three routes") };
    assert_eq!(joins_of(&bench.route), ["{channel}"]);
    assert_eq!(native.policy.dialect, Dialect::Native);
    assert!(echo.route.tokens.is_none() && echo.policy.has_app);
    assert_eq!(echo.route.message_bytes_max, 16 << 20);
    assert!(70_000 < echo.route.fragments_max);
    assert_eq!(config.apps[0].kind, AppKind::Echo);
}
