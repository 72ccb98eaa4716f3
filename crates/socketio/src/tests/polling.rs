//! Sessions by long polling: GETs that wait, POSTs that tell, and requests that should not be.

use expect_test::expect;

use super::check;

#[test]
fn a_get_waits_until_there_is_something() {
    check(
        "polls in
         posts 40
         gets
         admit
         gets
         emit news 1
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            r4 200 42["news",1]
        "#]],
    );
}

#[test]
fn what_is_said_between_two_gets_comes_with_the_next_one() {
    check(
        "polls in
         posts 40
         admit
         emit a 1
         emit bytes
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}|42["a",1]|451-["photo",{"_placeholder":true,"num":0}]|bAQIDBA==
        "#]],
    );
}

#[test]
fn a_post_of_several_packets_is_heard_in_order() {
    check(
        r#"polls in
         posts 40
         admit
         posts 42["test1"]|42["test2"]|451-["test3",{"_placeholder":true,"num":0}]|bAQIDBA=="#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 ok
            s0 says test1
            s0 says test2
            s0 says test3 {"_placeholder":true,"num":0} + <01 02 03 04>
        "#]],
    );
}

#[test]
fn a_post_may_come_in_pieces() {
    check(
        r#"polls in
         posts of 12
         brings 40|4
         brings 0/ab,
         ends"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            s1 knocks at /ab
        "#]],
    );
}

/// F13: two GETs at once are two clients, or one that has lost its way.
#[test]
fn a_second_get_closes_the_session() {
    check(
        "polls in
         gets
         gets
         gets",
        expect![[r#"
            r1 200 0{..}
            r3 400 {"code":3,"message":"Bad request"}
            r2 200 1
            closed: transport error
            r4 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

/// F13.
#[test]
fn a_second_post_closes_the_session() {
    check(
        "polls in
         gets
         posts of 20
         brings 40
         posts 40
         ends
         posts 40",
        expect![[r#"
            r1 200 0{..}
            r4 400 {"code":3,"message":"Bad request"}
            r2 200 1
            r3 400 {"code":3,"message":"Bad request"}
            closed: transport error
            r5 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

#[test]
fn a_packet_of_an_unknown_kind_closes_the_session() {
    check(
        "polls in
         posts 40
         gets
         posts abc
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r4 400 {"code":3,"message":"Bad request"}
            r3 200 1
            s0 left: parse error
            closed: parse error
            r5 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
}

#[test]
fn packets_before_a_wrong_one_were_said() {
    check(
        r#"polls in
         posts 40
         admit
         posts 42["a"]|x|42["b"]"#,
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 400 {"code":3,"message":"Bad request"}
            s0 says a
            s0 left: parse error
            closed: parse error
        "#]],
    );
}

/// F13: what is announced is not waited for, and what was not announced is counted.
#[test]
fn a_post_that_is_too_long_is_refused_before_it_is_there() {
    check(
        "polls in
         gets
         posts of 1001",
        expect![[r#"
            r1 200 0{..}
            r3 413
            r2 200 1
            closed: transport error
        "#]],
    );
    let piece = "a".repeat(400);
    check(
        &format!(
            "polls in
             posts of 10
             brings 4{piece}
             brings {piece}
             brings {piece}
             brings {piece}
             ends"
        ),
        expect![[r#"
            r1 200 0{..}
            r2 413
            closed: transport error
        "#]],
    );
}

#[test]
fn a_request_that_breaks_off_closes_the_session() {
    check(
        "polls in
         gets
         leaves get",
        expect![[r#"
            r1 200 0{..}
            closed: transport error
        "#]],
    );
    check(
        "polls in
         gets
         posts of 10
         brings 42
         leaves post
         leaves post",
        expect![[r#"
            r1 200 0{..}
            r2 200 1
            closed: transport error
        "#]],
    );
}

#[test]
fn leaving_a_request_that_was_answered_is_nothing() {
    check(
        "polls in
         posts 40
         leaves post
         gets
         admit
         leaves get
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
        "#]],
    );
}

/// Bounded in packets and in bytes; whoever does not fetch is parted with.
#[test]
fn whoever_does_not_fetch_is_too_slow() {
    check(
        "polls in
         posts 40
         admit
         3 times emit news 1
         emit news 2
         gets",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            s0 left: too slow
            closed: too slow
            r3 400 {"code":1,"message":"Session ID unknown"}
        "#]],
    );
    let long = "a".repeat(990);
    check(
        &format!(
            "polls in
             posts 40
             gets
             admit
             emit news \"{long}\"
             emit news \"{long}\""
        ),
        expect![[r#"
            r1 200 0{..}
            r2 ok
            s0 knocks at /
            r3 200 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: too slow
            closed: too slow
        "#]],
    );
}
