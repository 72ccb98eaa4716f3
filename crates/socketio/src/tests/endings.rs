//! How sessions end, from either side.

use expect_test::expect;

use super::check;

#[test]
fn a_client_that_polls_says_goodbye() {
    check(
        "polls in
         posts 40
         gets
         admit
         gets
         posts 1
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            r5 ok
            r4 200 6
            s0 left: transport close
            closed: transport close
            r6 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

#[test]
fn a_client_with_a_websocket_says_goodbye() {
    check(
        "websockets in
         says 40
         admit
         says 1
         says 40",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 closed
            s0 left: transport close
            closed: transport close
        "#]],
    );
}

#[test]
fn a_websocket_that_hangs_up_is_the_end() {
    check(
        "websockets in
         says 40
         says 40/b,
         hangs up",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            s1 knocks at /b
            s0 left: transport close
            s1 left: transport close
            closed: transport close
        "#]],
    );
}

#[test]
fn nothing_after_a_goodbye_is_heard() {
    check(
        r#"polls in
         posts 40
         admit
         posts 42["a"]|1|42["b"]"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 ok
            s0 says a
            s0 left: transport close
            closed: transport close
        "#]],
    );
}

#[test]
fn the_server_says_goodbye_to_a_get_that_waits() {
    check(
        "polls in
         posts 40
         admit
         gets
         gets
         close",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            r4 200 1
            s0 left: forced close
            closed: forced close
        "#]],
    );
}

#[test]
fn a_goodbye_waits_to_be_fetched_with_what_was_said_before() {
    check(
        r#"polls in
         posts 40
         admit
         emit connection:error {"reason":"connection_error"}
         close
         posts 3
         attaches
         emit late
         gets
         gets"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            s0 left: forced close
            r3 ok
            w1 closed
            r4 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}|42["connection:error",{"reason":"connection_error"}]|1
            closed: forced close
            r5 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

#[test]
fn a_goodbye_that_nobody_fetches_is_forgotten() {
    check(
        "polls in
         posts 40
         posts of 10
         close
         +10s
         gets
         posts 40
         attaches",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 ok
            s0 left: forced close
            -- 10s
            closed: forced close
            r4 400 {"code":1,"message":"Session ID unknown"}
            r5 400 {"code":1,"message":"Session ID unknown"}
            w1 closed
        "#]],
    );
}

#[test]
fn the_server_closes_a_websocket() {
    check(
        "websockets in
         says 40
         admit
         emit bye
         close
         close
         hangs up",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 42["bye"]
            w1 closed
            s0 left: forced close
            closed: forced close
        "#]],
    );
}

#[test]
fn the_server_closes_in_the_middle_of_a_probe() {
    check(
        "polls in
         posts 40
         attaches
         says 2probe
         close
         says 5
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            w1 <- 3probe
            w1 closed
            s0 left: forced close
            r3 200 1
            closed: forced close
        "#]],
    );
}
