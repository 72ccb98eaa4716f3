//! Members that read too slowly (F10).

use expect_test::expect;

use super::check;

#[test]
fn a_slow_member_is_parted_with() {
    check(
        "ann opens
         ann subscribes den #1
         front publishes den one
         ann overfills den 1..1
         ann unclogs
         front publishes den two",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            front 7 <- placed a0/1
            den 1 one -> ann
            ann closed TOO_SLOW
            ann ended after 0s
            front 7 <- placed a0/2
        "#]],
    );
}

#[test]
fn where_messages_may_be_dropped_it_is_told_which() {
    check(
        "ann opens
         ann subscribes news:1 #1
         ann subscribes news:2 #2
         5 times front publishes news:1 x
         ann overfills news:1 2..3
         ann overfills news:2 1..1
         ann overfills news:1 4..4
         ann unclogs
         ann unclogs
         front publishes news:1 six
         ann overfills news:1 6..6
         ann unclogs",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed news:1 after a0/0
            ann <- #2 subscribed news:2 after a1/0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            front 7 <- placed a0/4
            front 7 <- placed a0/5
            news:1 1 x -> ann
            news:1 2 x -> ann
            news:1 3 x -> ann
            news:1 4 x -> ann
            news:1 5 x -> ann
            ann <- gap news:1 2..=4
            ann <- gap news:2 1..=1
            front 7 <- placed a0/6
            news:1 6 six -> ann
            ann <- gap news:1 6..=6
        "#]],
    );
}

#[test]
fn plain_clients_cannot_be_told_and_are_parted_with() {
    check(
        "ann opens plain in=news:1
         front publishes news:1 one
         ann overfills news:1 1..1",
        expect![[r#"
            ann <- connected as ann
            front 7 <- placed a0/1
            news:1 1 one -> ann
            ann closed TOO_SLOW
            ann ended after 0s
        "#]],
    );
}

/// Threat F14: whoever never reads cannot make us remember a gap for every name there is.
#[test]
fn leaving_forgets_what_was_missed() {
    check(
        "ann opens
         ann subscribes news:1 #1
         front publishes news:1 one
         front publishes news:1 two
         ann overfills news:1 1..1
         ann unsubscribes news:1 #2
         ann overfills news:1 2..2
         ann unclogs
         ann subscribes news:1 #3
         front publishes news:1 three
         ann overfills news:1 3..3
         ann unclogs",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed news:1 after a0/0
            front 7 <- placed a0/1
            news:1 1 one -> ann
            front 7 <- placed a0/2
            news:1 2 two -> ann
            ann <- #2 unsubscribed news:1
            ann <- #3 subscribed news:1 after a0/2
            front 7 <- placed a0/3
            news:1 3 three -> ann
            ann <- gap news:1 3..=3
        "#]],
    );
}

/// R24: whoever comes back for the rest begins with what it did not get.
#[test]
fn whoever_was_too_slow_left_before_what_it_missed() {
    check(
        "ann opens session=7
         ann subscribes den #1
         3 times front publishes den hi
         ann overfills den 2..3",
        expect![[r#"
            ann <- connected as ann, session 7
            ann <- #1 subscribed den after a0/0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            den 1 hi -> ann
            den 2 hi -> ann
            den 3 hi -> ann
            ann closed TOO_SLOW
            ann ended after 0s, leaving den a0/1
        "#]],
    );
}
