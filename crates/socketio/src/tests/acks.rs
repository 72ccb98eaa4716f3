//! Answers, both ways.

use expect_test::expect;

use super::check;

#[test]
fn a_client_is_answered_under_its_number() {
    check(
        r#"websockets in
         says 40
         admit
         says 42456["message",1]
         ack 1,"2",{"3":[false]}
         says 40/ab,
         admit
         says 42/ab,0["message"]
         ack
         ack bytes"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says message 1 and wants ack 456
            w1 <- 43456[1,"2",{"3":[false]}]
            s1 knocks at /ab
            w1 <- 40/ab,{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            s1 says message and wants ack 0
            w1 <- 43/ab,0[]
            w1 <- 461-/ab,0[{"_placeholder":true,"num":0}]
            w1 <- <01 02 03 04>
        "#]],
    );
}

#[test]
fn an_event_with_attachments_is_answered_too() {
    check(
        r#"websockets in
         says 40
         admit
         says 451-789["message",{"_placeholder":true,"num":0}]
         sends 01
         ack bytes"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says message {"_placeholder":true,"num":0} + <01> and wants ack 789
            w1 <- 461-789[{"_placeholder":true,"num":0}]
            w1 <- <01 02 03 04>
        "#]],
    );
}

/// Clients go on counting where they were; an answer from before could settle another question.
#[test]
fn whoever_left_is_not_answered_even_if_it_came_back() {
    check(
        r#"websockets in
         says 40
         admit
         says 421["a"]
         says 41
         ack 1
         says 40
         admit
         ack 1"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says a and wants ack 1
            s0 left: client namespace disconnect
            s1 knocks at /
            w1 <- 40{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
        "#]],
    );
}

#[test]
fn the_server_asks_and_is_answered_once() {
    check(
        r#"websockets in
         says 40
         admit
         ask ready? 1 for 5s
         says 430["yes",2]
         says 430["yes"]
         ask photo? for 5s
         says 461-1[{"_placeholder":true,"num":0}]
         sends 01 02
         +20s"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 420["ready?",1]
            s0 answers a1 "yes" 2
            w1 <- 421["photo?"]
            s0 answers a2 {"_placeholder":true,"num":0} + <01 02>
        "#]],
    );
}

#[test]
fn an_answer_has_a_time() {
    check(
        "websockets in
         says 40
         admit
         ask a for 5s
         ask b for 3s
         +3s
         +2s
         says 430[]",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 420["a"]
            w1 <- 421["b"]
            -- 3s
            s0 does not answer a2
            -- 5s
            s0 does not answer a1
        "#]],
    );
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    check(
        r#"websockets in
         says 40
         admit
         says 4317["a"]
         says 43/nowhere,17["a"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
        "#]],
    );
}

/// Questions are counted, here two; and who goes answers none.
#[test]
fn a_question_too_many_is_not_asked() {
    check(
        "websockets in
         says 40
         ask early for 5s
         admit
         ask a for 5s
         ask b for 5s
         ask c for 5s
         hangs up",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            s0 does not answer a1
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            w1 <- 420["a"]
            w1 <- 421["b"]
            s0 does not answer a4
            s0 does not answer a2
            s0 does not answer a3
            s0 left: transport close
            closed: transport close
        "#]],
    );
}
