//! How much a client may say.

use expect_test::expect;

use super::check;

#[test]
fn sixty_at_once_and_then_one_a_second() {
    check(
        "ann opens
         60 times ann publishes den x
         ann publishes den x #61
         ann publishes den x
         ann babbles #63
         +400ms
         ann pings #64
         +600ms
         ann pings #65
         ann pings #66",
        expect![[r#"
            ann <- connected as ann
            ann <- #61 refused TOO_FAST for 1s
            ann <- refused TOO_FAST for 1s
            ann <- #63 refused TOO_FAST for 1s
            at 0.4s
            ann <- #64 refused TOO_FAST for 0.6s
            at 1s
            ann <- #65 pong
            ann <- #66 refused TOO_FAST for 1s
        "#]],
    );
}

#[test]
fn fifty_heartbeats_in_five_seconds_are_fine() {
    let beats = "ann pings #1\n+100ms\n".repeat(50);
    let text = super::play::play(1, &format!("ann opens\n{beats}"));
    assert_eq!(text.matches("#1 pong").count(), 50);
    assert!(!text.contains("TOO_FAST"), "{text}");
}

#[test]
fn a_limit_that_only_observes_refuses_nobody() {
    check(
        "ann opens observed
         60 times ann publishes den x
         ann pings #61
         ann pings #62",
        expect![[r#"
            ann <- connected as ann
            ann <- #61 pong
            ann <- #62 pong
        "#]],
    );
}

#[test]
fn an_application_is_not_asked_what_came_too_fast() {
    check(
        "ann opens app
         60 times ann says hello
         ann says too-much",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann paused
            ann <- refused TOO_FAST for 1s
        "#]],
    );
}
