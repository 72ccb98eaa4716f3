//! What operators see after things have happened.

use limits::{Limit, Mode};
use proto::Code;

use super::*;
use crate::front::Registered;

/// 2026-11-21T23:59:30Z.
const EVENING: u64 = 1_795_305_570;

fn monitor(shards: u16) -> Monitor {
    Monitor::new(shards, Build { version: "0.0.0", commit: "test" }, Counts::default)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// R99: exactly seven keys, over all shards.
#[test]
fn the_summary_has_exactly_seven_keys() {
    let monitor = monitor(2);
    for shard in 0..2 {
        let metrics = monitor.shard(shard);
        metrics.turn(UnixTime(EVENING));
        metrics.opened();
        metrics.opened();
        metrics.received(3, 100);
        metrics.sent(5, 200);
        metrics.closed(1000, Duration::from_millis(1500));
    }
    let json = serde_json::to_string_pretty(&monitor.metrics_summary_at(at(EVENING))).unwrap();
    expect_test::expect![[r#"
        {
          "active_connections": 2,
          "connections_today": 4,
          "messages_sent": 10,
          "messages_received": 6,
          "avg_connection_duration": 1.5,
          "messages_per_minute": 10,
          "timestamp": "2026-11-21T23:59:30.000Z"
        }"#]]
    .assert_eq(&json);
}

/// R99, L11: the day and the minute end; what is open and the totals stay.
#[test]
fn midnight_ends_the_day_and_the_minute_and_nothing_else() {
    let monitor = monitor(1);
    let metrics = monitor.shard(0);
    metrics.turn(UnixTime(EVENING));
    metrics.opened();
    metrics.sent(7, 0);
    let after = monitor.metrics_summary_at(at(EVENING + 30));
    assert_eq!((after.connections_today, after.messages_per_minute), (0, 0));
    assert_eq!((after.active_connections, after.messages_sent), (1, 7));
    assert_eq!(monitor.messages_last_minute(at(EVENING + 30)), 7);
}

#[test]
fn every_row_of_the_table_is_on_the_page() {
    let text = monitor(1).render();
    for metric in Metric::ALL {
        let name = metric.full_name();
        let found = text.lines().any(|it| {
            let rest = it.strip_prefix(&name);
            rest.is_some_and(|it| it.starts_with([' ', '{']) || it.starts_with("_bucket{"))
        });
        assert!(found, "{name} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// F14: what happens changes numbers and adds no line.
#[test]
fn the_number_of_series_is_a_constant() {
    let monitor = monitor(1);
    let before = monitor.render().lines().count();
    let metrics = monitor.shard(0);
    for number in 0..=u16::MAX {
        metrics.closed(number, Duration::ZERO);
    }
    for code in Code::ALL {
        metrics.closing(*code);
        metrics.refused(*code);
        metrics.handshake_refused(*code);
        metrics.authentication_failed(*code);
    }
    metrics.handshake_took(Duration::from_secs(90));
    assert_eq!(monitor.render().lines().count(), before);
}

#[test]
fn what_shards_and_shared_limits_counted_is_added_up() {
    let mut shared = Counts::default();
    shared.judge(Limit::ConnectionsPerAddress, Mode::Enforce, true);
    let theirs = shared.clone();
    let monitor =
        Monitor::new(2, Build { version: "1.2.3", commit: "abc" }, move || theirs.clone());
    monitor.shard(0).limits(&shared);
    monitor.shard(0).closed(4008, Duration::ZERO);
    monitor.shard(1).closing(Code::TooSlow);
    monitor.shard(1).publish_took(Duration::from_micros(300));
    monitor.front().publish_took(Duration::from_micros(300));
    monitor.front().answered(404);
    monitor.front().app_failed();
    monitor.drain();
    let text = monitor.render();
    for line in [
        "tidegate_limit_refused_total{limit=\"connections_per_address\"} 2",
        "tidegate_connections_closed_total{number=\"4008\"} 1",
        "tidegate_connections_closed_by_gateway_total{code=\"TOO_SLOW\"} 1",
        "tidegate_connections_closed_slow_total 1",
        "tidegate_publish_latency_seconds_bucket{le=\"0.0005\"} 2",
        "tidegate_publish_latency_seconds_sum 0.0006",
        "tidegate_http_requests_total{class=\"4xx\"} 1",
        "tidegate_app_errors_total 1",
        "tidegate_draining 1",
        "tidegate_build_info{version=\"1.2.3\",commit=\"abc\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
    }
}

/// R97: counted where they are kept, and shown as they were last.
#[test]
fn sessions_are_shown_as_they_stand() {
    let monitor = monitor(2);
    let first = Registered { seats: 7, live: 5, away: 1, revocations: 3, ..Registered::default() };
    monitor.front().registered(&first);
    monitor.front().registered(&Registered { live: 4, started: 6, ..first });
    let text = monitor.render();
    for line in [
        "tidegate_seats 7",
        "tidegate_sessions_live 4",
        "tidegate_sessions_away 1",
        "tidegate_sessions_started_total 6",
        "tidegate_sessions_resumed_total 0",
        "tidegate_revocations 3",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
    }
}

/// A close that is counted twice must not show connections that nobody has.
#[test]
fn connections_open_never_fall_below_none() {
    let monitor = monitor(1);
    monitor.shard(0).closed(1006, Duration::ZERO);
    assert_eq!(monitor.active_connections(), 0);
}
