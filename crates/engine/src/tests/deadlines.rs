//! Silence, and what it leads to.

use expect_test::expect;

use super::check;

#[test]
fn silence_is_answered_with_a_ping_and_then_an_end() {
    check(
        "ann opens
         bob opens
         +26s
         bob pongs
         +30s
         bob pongs
         +20s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            at 25s
            ann <- ping frame
            bob <- ping frame
            at 35s
            ann closed PING_TIMEOUT
            ann ended after 35s
            at 51s
            bob <- ping frame
        "#]],
    );
}

/// Engine.IO has a heartbeat of its own, and two would part with whoever answers only one.
#[test]
fn whoever_speaks_socket_io_is_not_pinged_by_the_engine() {
    check(
        "ann opens events
         bob opens plain
         +26s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            at 25s
            bob <- ping frame
        "#]],
    );
}

#[test]
fn whoever_speaks_is_not_pinged() {
    check(
        "ann opens
         +20s
         ann publishes den hi
         +20s
         ann pongs
         +24s
         ann pongs
         +24s",
        expect![[r#"
            ann <- connected as ann
        "#]],
    );
}

#[test]
fn pongs_do_not_count_against_idleness() {
    check(
        "ann opens quiet
         bob opens quiet
         +25s
         ann pongs
         bob pongs
         +20s
         bob pings #1
         +5s
         ann pongs
         +9s
         bob pongs
         +1s
         +20s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            at 25s
            ann <- ping frame
            bob <- ping frame
            at 45s
            bob <- #1 pong
            at 50s
            ann <- ping frame
            at 60s
            ann closed IDLE
            ann ended after 60s
        "#]],
    );
}

#[test]
fn partings_of_a_drain_are_spread_evenly() {
    check(
        "ann opens
         bob opens
         cid opens plain in=den
         dan opens
         everybody drains over 8s
         eve opens
         +3s
         bob closes
         +5s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            dan <- connected as dan
            ann closed DRAINING
            ann ended after 0s
            eve closed DRAINING
            eve ended after 0s
            at 2s
            bob closed DRAINING
            bob ended after 2s
            at 4s
            cid closed DRAINING
            cid ended after 4s
            at 6s
            dan closed DRAINING
            dan ended after 6s
        "#]],
    );
}

#[test]
fn a_drain_over_no_time_closes_everybody_now() {
    check(
        "ann opens
         bob opens app
         everybody drains over 0s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bob held
            app <- bob connected
            ann closed DRAINING
            ann ended after 0s
            bob closed DRAINING
            bob ended after 0s
        "#]],
    );
}

/// Threat L10: a process that was stopped must not part with everybody when it goes on.
#[test]
fn whoever_could_not_be_heard_for_a_while_is_still_asked_first() {
    check(
        "ann opens
         bob opens
         ++60s
         +5s
         ann pongs
         +10s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            at 60s
            ann <- ping frame
            bob <- ping frame
            at 70s
            bob closed PING_TIMEOUT
            bob ended after 70s
        "#]],
    );
}
