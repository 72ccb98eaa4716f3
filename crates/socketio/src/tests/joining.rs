//! Namespaces: knocking, being let in or not, leaving, and coming back.

use expect_test::expect;

use super::check;

#[test]
fn a_client_joins_the_main_namespace() {
    check(
        "websockets in
         says 40
         admit",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
        "#]],
    );
}

/// R4: token and user, for the driver to weigh.
#[test]
fn what_a_client_says_of_itself_is_handed_on() {
    check(
        r#"websockets in
         says 40{"token":"123","userId":"u1"}
         admit"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at / {"token":"123","userId":"u1"}
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
        "#]],
    );
}

#[test]
fn a_client_joins_another_namespace() {
    check(
        r#"websockets in
         says 40/custom,
         admit
         says 40/other,{"token":"abc"}
         admit
         emit a 1
         says 42/custom,["b"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /custom
            w1 <- 40/custom,{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s1 knocks at /other {"token":"abc"}
            w1 <- 40/other,{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            w1 <- 42/other,["a",1]
            s0 says b
        "#]],
    );
}

#[test]
fn the_comma_behind_a_namespace_may_be_left_out() {
    check(
        "websockets in
         says 40/random
         refuse",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /random
            w1 <- 44/random,{"message":"Invalid namespace"}
        "#]],
    );
}

#[test]
fn a_refusal_says_why_and_the_client_may_try_again() {
    check(
        r#"websockets in
         says 40{"token":"old"}
         refuse Authentication failed: the token has expired
         says 40{"token":"new"}
         admit"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at / {"token":"old"}
            w1 <- 44{"message":"Authentication failed: the token has expired","data":{"code":"AUTH_FAILED","message":"Authentication failed: the token has expired","details":null}}
            s1 knocks at / {"token":"new"}
            w1 <- 40{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
        "#]],
    );
}

#[test]
fn a_client_that_recovers_says_where_it_was() {
    check(
        r#"websockets in
         says 40{"pid":"UERTaXQ2YWJjZGVmZ2hpams","offset":"o17","token":"t"}
         admit as UERTaXQ2YWJjZGVmZ2hpams
         emit news 1 at o18"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at / {"pid":"UERTaXQ2YWJjZGVmZ2hpams","offset":"o17","token":"t"}, recovers UERTaXQ2YWJjZGVmZ2hpams from Some("o17")
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","pid":"UERTaXQ2YWJjZGVmZ2hpams"}
            w1 <- 42["news",1,"o18"]
        "#]],
    );
}

/// A pid that cannot be ours is nobody's, and its client comes for the first time.
#[test]
fn a_recovery_in_impossible_words_is_none() {
    for auth in [
        r#"{"pid":"short"}"#,
        r#"{"pid":17}"#,
        r#"{"pid":null,"offset":"o1"}"#,
        r#"{"offset":"o1"}"#,
        r#"{"pid":"UERTaXQ2YWJjZGVmZ2hpams","pid":"UERTaXQ2YWJjZGVmZ2hpamt"}"#,
    ] {
        let played = super::play::play(&format!("websockets in\nsays 40{auth}"));
        assert!(played.ends_with(&format!("s0 knocks at / {auth}\n")), "{played}");
    }
}

#[test]
fn a_client_leaves_one_namespace_and_stays_in_another() {
    check(
        r#"websockets in
         says 40
         admit
         says 40/custom,
         admit
         says 41/custom,
         says 42["message","to the main one"]
         says 41
         +25s"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s1 knocks at /custom
            w1 <- 40/custom,{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            s1 left: client namespace disconnect
            s0 says message "to the main one"
            s0 left: client namespace disconnect
            -- 25s
            w1 <- 2
        "#]],
    );
}

#[test]
fn who_left_the_last_namespace_may_join_again() {
    check(
        r#"websockets in
         says 40
         admit
         says 41
         says 40
         admit
         +20s
         says 42["still here"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: client namespace disconnect
            s1 knocks at /
            w1 <- 40{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            -- 20s
            s1 says still here
        "#]],
    );
}

#[test]
fn the_server_makes_a_client_leave() {
    check(
        r#"websockets in
         says 40
         admit
         part
         says 42["on its way",1]
         says 41
         says 40
         admit
         emit again"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: server namespace disconnect
            w1 <- 41
            s1 knocks at /
            w1 <- 40{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            w1 <- 42["again"]
        "#]],
    );
}

/// The answer to a knock is for that knock. A client that left and knocked again is somebody else.
#[test]
fn a_late_admission_lets_nobody_in() {
    check(
        r#"websockets in
         says 40{"token":"a"}
         says 41
         admit
         says 40{"token":"b"}
         admit"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at / {"token":"a"}
            s0 left: client namespace disconnect
            s1 knocks at / {"token":"b"}
            w1 <- 40{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
        "#]],
    );
}

/// C3: no way into a namespace leads around its door.
#[test]
fn nobody_speaks_before_being_let_in() {
    check(
        r#"websockets in
         says 42["a"]"#,
        expect![[r#"
            w1 <- 0{..}
            w1 closed
            closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
    check(
        r#"websockets in
         says 40
         says 42["a"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            s0 left: parse error
            w1 closed
            closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
}

/// C3: each namespace is asked for by itself.
#[test]
fn being_in_one_namespace_opens_no_other() {
    check(
        r#"websockets in
         says 40{"token":"good"}
         admit
         says 40/admin,
         refuse
         says 42/admin,["delete",1]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at / {"token":"good"}
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s1 knocks at /admin
            w1 <- 44/admin,{"message":"Invalid namespace"}
            s0 left: parse error
            w1 closed
            closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
    check(
        r#"websockets in
         says 40
         admit
         says 40/admin,
         says 42/admin,["delete",1]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s1 knocks at /admin
            s0 left: parse error
            s1 left: parse error
            w1 closed
            closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
}

/// The official client does, when a program connects what connects by itself.
#[test]
fn knocking_twice_is_knocking_once() {
    check(
        r#"websockets in
         says 40/a,{"token":"1"}
         says 40/a,{"token":"2"}
         admit
         says 40/a,
         says 42/a,["hello"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /a {"token":"1"}
            w1 <- 40/a,{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says hello
        "#]],
    );
}

/// F12: a namespace costs us a name, so they are counted. Here three, elsewhere sixteen.
#[test]
fn more_namespaces_than_may_be_close_the_connection() {
    assert_eq!(crate::Policy::default().namespaces_max, 16);
    check(
        "websockets in
         says 40
         says 40/a,
         says 40/b,
         says 40/c,",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            s1 knocks at /a
            s2 knocks at /b
            s0 left: parse error
            s1 left: parse error
            s2 left: parse error
            w1 closed
            closed: parse error (too many namespaces)
        "#]],
    );
}

#[test]
fn a_namespace_that_was_left_makes_room() {
    check(
        "websockets in
         says 40
         admit
         says 40/a,
         admit
         part
         says 40/b,
         admit
         says 41/b,
         says 40/c,
         says 40/d,",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s1 knocks at /a
            w1 <- 40/a,{"sid":"AQEBAQEBAQEBAQEBAQEBAQEB"}
            s1 left: server namespace disconnect
            w1 <- 41/a,
            s2 knocks at /b
            w1 <- 40/b,{"sid":"AgICAgICAgICAgICAgICAgIC"}
            s2 left: client namespace disconnect
            s3 knocks at /c
            s4 knocks at /d
        "#]],
    );
}

/// F12: they are text, and nothing is looked up in an object.
#[test]
fn names_that_mean_something_to_objects_mean_nothing_here() {
    check(
        r#"websockets in
         says 40/__proto__,{"__proto__":{"token":"x"},"constructor":1}
         admit
         says 42/__proto__,["hasOwnProperty",{"__proto__":{"a":1}}]
         says 42/__proto__,["__proto__"]
         says 42/constructor,["a"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /__proto__ {"__proto__":{"token":"x"},"constructor":1}
            w1 <- 40/__proto__,{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says hasOwnProperty {"__proto__":{"a":1}}
            s0 says __proto__
            s0 left: parse error
            w1 closed
            closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
}

/// A12: nobody keeps a connection by being refused again and again.
#[test]
fn who_is_never_let_in_does_not_stay_for_knocking() {
    check(
        "websockets in
         says 40
         refuse
         +20s
         says 3
         says 40
         +20s
         says 3
         refuse
         +6s",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 44{"message":"Invalid namespace"}
            -- 20s
            s1 knocks at /
            -- 25s
            w1 <- 2
            -- 40s
            w1 <- 44{"message":"Invalid namespace"}
            -- 45s
            w1 closed
            closed: no namespace
        "#]],
    );
}
