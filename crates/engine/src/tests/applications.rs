//! Talking with applications.

use expect_test::expect;

use super::check;

#[test]
fn the_application_speaks_first() {
    check(
        "ann opens app in=den
         front publishes den early
         app answers ann reply welcome, publish den ann-is-here
         front publishes den later",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            front 7 <- placed a0/1
            den 1 early -> ann
            ann <- reply welcome
            ann released
            den 2 ann-is-here -> ann
            front 7 <- placed a0/3
            den 3 later -> ann
        "#]],
    );
}

#[test]
fn a_native_client_can_have_an_application_too() {
    check(
        "ann opens chat
         ann says hello
         app answers ann
         app answers ann reply hello-yourself
         ann subscribes den #1",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann released
            app <- ann said hello
            ann <- reply hello-yourself
            ann <- #1 subscribed den after a0/0
        "#]],
    );
}

#[test]
fn one_question_at_a_time_in_order() {
    check(
        "ann opens app
         ann says one
         app answers ann reply hi
         bob opens app
         app answers bob
         bob says b-one
         ann says two
         app answers ann reply one
         app answers bob
         app answers ann reply two
         ann says three",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann <- reply hi
            ann released
            app <- ann said one
            bob <- connected as bob
            bob held
            app <- bob connected
            bob released
            app <- bob said b-one
            ann <- reply one
            app <- ann said two
            ann <- reply two
            app <- ann said three
        "#]],
    );
}

#[test]
fn whoever_says_too_much_at_once_is_not_read_until_the_application_has_caught_up() {
    check(
        "ann opens app
         ann says one
         ann says two
         ann says three-was-already-read
         app answers ann
         app answers ann
         app answers ann
         app answers ann
         ann says four",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann paused
            ann released
            app <- ann said one
            app <- ann said two
            app <- ann said three-was-already-read
            ann resumed
            app <- ann said four
        "#]],
    );
}

/// So that a later mistake, which closes the connection, cannot overtake an earlier answer.
#[test]
fn where_nothing_may_wait_the_next_is_read_only_once_the_last_is_answered() {
    check(
        "ann opens strict
         ann says came-with-the-handshake
         app answers ann
         app answers ann
         ann says two
         app answers ann",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann paused
            ann released
            app <- ann said came-with-the-handshake
            ann resumed
            app <- ann said two
            ann paused
            ann resumed
        "#]],
    );
}

#[test]
fn what_was_said_before_the_close_is_still_heard() {
    check(
        "ann opens app in=den
         bob opens
         bob subscribes den #1
         app answers ann
         ann says one
         ann says two
         ann closes
         app answers ann reply too-late, publish den one
         app answers ann publish den two, join den, leave den, close
         app answers ann publish den ann-is-gone
         cid opens app
         app answers cid
         cid closes",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            bob <- connected as bob
            bob <- #1 subscribed den after a0/0
            ann released
            app <- ann said one
            ann ended after 0s
            app <- ann said two
            den 1 one -> bob
            app <- ann disconnected
            den 2 two -> bob
            den 3 ann-is-gone -> bob
            cid <- connected as cid
            cid held
            app <- cid connected
            cid released
            app <- cid disconnected
            cid ended after 0s
        "#]],
    );
}

#[test]
fn an_application_that_fails_costs_an_answer_not_the_connection() {
    check(
        "ann opens app in=den
         app fails ann
         front publishes den hi
         ann says one
         ann says two
         app fails ann
         app answers ann reply two
         ann says three
         ann closes
         app fails ann",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann <- refused APP_FAILED
            ann released
            front 7 <- placed a0/1
            den 1 hi -> ann
            app <- ann said one
            ann <- refused APP_FAILED
            app <- ann said two
            ann <- reply two
            app <- ann said three
            ann ended after 0s
            app <- ann disconnected
        "#]],
    );
}

#[test]
fn an_application_can_close() {
    check(
        "ann opens app in=den
         ann says unheard
         app answers ann reply bye, close, reply too-late, join lobby, publish den ann-left
         app answers ann
         app answers ann",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann <- reply bye
            ann closed SESSION_EXPIRED
            ann ended after 0s
            app <- ann said unheard
            app <- ann disconnected
        "#]],
    );
}

#[test]
fn an_application_seats_and_unseats() {
    check(
        "ann opens app
         app answers ann join den, join den, publish den one, leave lobby
         ann says x
         app answers ann leave den, leave den, publish den two",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann released
            den 1 one -> ann
            app <- ann said x
        "#]],
    );
}

#[test]
fn a_user_can_be_excepted() {
    check(
        "ann opens app in=den
         app answers ann
         bob opens app in=den user=ann
         app answers bob
         cid opens
         cid subscribes den #1
         ann says x
         app answers ann publish den from-ann except ann
         front publishes den from-ann-again except=ann",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann released
            bob <- connected as ann
            bob held
            app <- bob connected
            bob released
            cid <- connected as cid
            cid <- #1 subscribed den after a0/0
            app <- ann said x
            den 1 from-ann -> cid
            front 7 <- placed a0/2
            den 2 from-ann-again -> cid
        "#]],
    );
}

/// We do not listen, so we do not complain of silence.
#[test]
fn whoever_is_not_read_is_not_parted_with_for_silence() {
    check(
        "ann opens app for=300s
         ann says one
         ann says two
         +100s
         app answers ann
         app answers ann
         app answers ann
         +24s
         ann pongs
         +40s",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann paused
            at 100s
            ann released
            app <- ann said one
            app <- ann said two
            ann resumed
            at 149s
            ann <- ping frame
            at 159s
            ann closed PING_TIMEOUT
            app <- ann disconnected
            ann ended after 159s
        "#]],
    );
}

/// Whoever waits for an acknowledgement gets one, also where their application never heard of it.
#[test]
fn a_refusal_is_told_to_whoever_awaits_an_answer() {
    check(
        "ann opens app
         app answers ann
         ann emits one #1
         ann emits two #2
         ann emits three
         app fails ann
         app fails ann
         app fails ann
         57 times ann publishes den x
         ann emits four #4
         bob opens
         bob emits five #5",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            ann released
            app <- ann said one
            ann paused
            ann <- #1 refused APP_FAILED
            app <- ann said two
            ann <- #2 refused APP_FAILED
            app <- ann said three
            ann resumed
            ann <- refused APP_FAILED
            ann <- #4 refused TOO_FAST for 1s
            bob <- connected as bob
            bob <- #5 refused NOT_ACCEPTED
        "#]],
    );
}

/// A signal has no place, is not kept, and may pass over the connection that is being answered.
#[test]
fn an_application_signals_to_all_or_to_all_others() {
    check(
        "ann opens app in=log:1
         app answers ann
         bob opens app user=ann in=log:1
         app answers bob
         ann says hello
         app answers ann signal log:1 x, signal log:1 y to others, publish log:1 z",
        expect![[r#"
            ann <- connected as ann
            ann held
            app <- ann connected
            disk <- load log:1
            ann released
            bob <- connected as ann
            bob held
            app <- bob connected
            bob released
            app <- ann said hello
            disk <- append log:1 1 z
            log:1 signal x -> ann bob
            log:1 signal y -> bob
            log:1 1 z -> ann bob
        "#]],
    );
}
