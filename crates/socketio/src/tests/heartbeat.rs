//! Pings are the server's. The first comes after one interval, and not with the opening.

use expect_test::expect;

use super::check;

#[test]
fn a_websocket_is_pinged_after_each_interval() {
    check(
        "websockets in
         says 40
         admit
         +24.9s
         +0.1s
         +1s
         says 3
         +24.9s
         +0.1s
         says 3",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            w1 <- 2
            -- 51s
            w1 <- 2
        "#]],
    );
}

#[test]
fn a_get_is_released_by_a_ping() {
    check(
        "polls in
         posts 40
         admit
         gets
         gets
         +25s
         gets
         posts 3
         +25s",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            r4 200 2
            r6 ok
            -- 50s
            r5 200 2
        "#]],
    );
}

#[test]
fn silence_after_a_ping_ends_the_session() {
    check(
        "websockets in
         says 40
         admit
         +44s
         says 40/late,
         +1s",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            w1 <- 2
            -- 44s
            s1 knocks at /late
            -- 45s
            w1 closed
            s0 left: ping timeout
            s1 left: ping timeout
            closed: ping timeout
        "#]],
    );
    check(
        "polls in
         posts 40
         admit
         gets
         gets
         +25s
         gets
         +20s
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            r4 200 2
            -- 45s
            r5 200 1
            s0 left: ping timeout
            closed: ping timeout
            r6 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

/// F13: nobody ever fetches the ping.
#[test]
fn a_session_that_nobody_polls_is_gone_after_interval_and_timeout() {
    check(
        "polls in
         +60s
         posts 3",
        expect![[r#"
            r1 200 0{..}
            -- 45s
            closed: ping timeout
            -- 60s
            r2 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

#[test]
fn a_pong_that_nobody_asked_for_moves_nothing() {
    check(
        "websockets in
         says 40
         admit
         +20s
         says 3
         +5s",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            w1 <- 2
        "#]],
    );
}

#[test]
fn a_client_does_not_ping() {
    check(
        "websockets in
         says 2",
        expect![[r#"
            w1 <- 0{..}
            w1 closed
            closed: parse error
        "#]],
    );
    check(
        "polls in
         posts 2",
        expect![[r#"
            r1 200 0{..}
            r2 400 {"code":3,"message":"Bad request"}
            closed: parse error
        "#]],
    );
    check(
        "websockets in
         says 2probe",
        expect![[r#"
            w1 <- 0{..}
            w1 closed
            closed: parse error
        "#]],
    );
}
