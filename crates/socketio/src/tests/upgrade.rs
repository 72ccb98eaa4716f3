//! From polling to WebSocket: probe, answer, upgrade. Whatever goes wrong, polling goes on.

use expect_test::expect;

use super::check;

#[test]
fn a_session_moves_to_a_websocket() {
    check(
        r#"polls in
         posts 40
         gets
         admit
         gets
         attaches
         says 2probe
         emit meanwhile 1
         gets
         says 5
         emit after 2
         says 42["hello"]"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 3probe
            r4 200 6
            r5 200 42["meanwhile",1]
            w1 <- 42["after",2]
            s0 says hello
        "#]],
    );
}

#[test]
fn a_get_after_the_probe_is_released_at_once() {
    check(
        "polls in
         attaches
         says 2probe
         gets
         says 5
         +25s",
        expect![[r#"
            r1 200 0{..}
            w1 <- 3probe
            r2 200 6
            -- 25s
            w1 <- 2
        "#]],
    );
}

#[test]
fn a_get_before_the_probe_goes_on_waiting() {
    check(
        "polls in
         posts 40
         attaches
         gets
         admit
         gets
         says 2probe",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 3probe
            r4 200 6
        "#]],
    );
}

#[test]
fn what_waited_for_a_get_goes_over_the_websocket() {
    check(
        "polls in
         posts 40
         attaches
         says 2probe
         admit
         emit a 1
         emit bytes
         says 5",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            w1 <- 3probe
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 42["a",1]
            w1 <- 451-["photo",{"_placeholder":true,"num":0}]
            w1 <- <01 02 03 04>
        "#]],
    );
}

#[test]
fn requests_after_the_upgrade_are_refused_and_nothing_else() {
    check(
        r#"polls in
         posts 40
         attaches
         says 2probe
         admit
         says 5
         gets
         posts 42["a"]
         ends
         says 42["hello"]"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            w1 <- 3probe
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            r3 400 {"code":3,"message":"Bad request"}
            r4 400 {"code":3,"message":"Bad request"}
            s0 says hello
        "#]],
    );
}

#[test]
fn another_websocket_is_closed_and_nothing_else() {
    check(
        r#"polls in
         attaches
         attaches
         says on w1 2probe
         attaches
         says on w1 5
         attaches
         says on w1 40"#,
        expect![[r#"
            r1 200 0{..}
            w2 closed
            w1 <- 3probe
            w3 closed
            w4 closed
            s0 knocks at /
        "#]],
    );
}

#[test]
fn a_websocket_of_its_own_is_not_upgraded() {
    check(
        "websockets in
         attaches
         says 2probe
         says on w1 40",
        expect![[r#"
            w1 <- 0{..}
            w2 closed
            s0 knocks at /
        "#]],
    );
}

/// F13: a probe has a deadline.
#[test]
fn a_probe_left_half_done_is_closed_and_polling_goes_on() {
    check(
        "polls in
         posts 40
         admit
         attaches
         says 2probe
         +10s
         gets
         gets
         +15s",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            w1 <- 3probe
            -- 10s
            w1 closed
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            r4 200 2
        "#]],
    );
    check(
        "polls in
         posts 40
         attaches
         +10s",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            -- 10s
            w1 closed
        "#]],
    );
}

#[test]
fn a_wrong_word_closes_the_probe_and_polling_goes_on() {
    for word in ["5", "40", "2", "3probe", "2Probe", "", "x", "1"] {
        let played = super::play::play(&format!("polls in\nattaches\nsays {word}\nposts 40"));
        let expected = "r1 200 0{..}\nw1 closed\nr2 ok\ns0 knocks at /\n";
        assert_eq!(played, expected, "{word}");
    }
    check(
        "polls in
         attaches
         says 2probe
         says 2probe
         attaches
         says 2probe
         says 5",
        expect![[r#"
            r1 200 0{..}
            w1 <- 3probe
            w1 closed
            w2 <- 3probe
        "#]],
    );
    check(
        "polls in
         attaches
         sends 35",
        expect![[r#"
            r1 200 0{..}
            w1 closed
        "#]],
    );
}

#[test]
fn a_probe_that_hangs_up_leaves_polling_as_it_was() {
    check(
        "polls in
         posts 40
         gets
         attaches
         hangs up
         admit
         attaches
         says 2probe
         hangs up
         gets
         emit a",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w2 <- 3probe
            r4 200 42["a"]
        "#]],
    );
}

#[test]
fn a_ping_on_the_way_is_answered_on_the_websocket() {
    check(
        "polls in
         posts 40
         admit
         gets
         +20s
         attaches
         says 2probe
         +5s
         says 5
         says 3
         +25s",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 20s
            w1 <- 3probe
            -- 25s
            w1 <- 2
            -- 50s
            w1 <- 2
        "#]],
    );
}

/// The order of what it says would be anybody's guess.
#[test]
fn an_upgrade_in_the_middle_of_a_post_closes_the_session() {
    check(
        "polls in
         gets
         posts of 10
         attaches
         says 2probe
         says 5",
        expect![[r#"
            r1 200 0{..}
            w1 <- 3probe
            r2 200 6
            r3 400 {"code":3,"message":"Bad request"}
            w1 closed
            closed: parse error
        "#]],
    );
}
