//! Coming in and going away.

use expect_test::expect;

use super::check;

#[test]
fn whoever_is_let_in_is_told_who_they_are() {
    check(
        "ann opens
         bob opens anonymous
         cid opens plain in=den,lobby
         den-mate opens
         den-mate publishes den hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as nobody
            cid <- connected as cid
            den-mate <- connected as den-mate
            den 1 hi from den-mate -> cid
        "#]],
    );
}

#[test]
fn closing_leaves_every_channel() {
    check(
        "ann opens
         bob opens
         cid opens plain in=den
         ann subscribes den #1
         bob subscribes den #1
         ann closes
         bob publishes den two
         cid closes
         bob publishes den three",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed den after a0/0
            bob <- #1 subscribed den after a0/0
            ann ended after 0s
            den 1 two from bob -> bob cid
            cid ended after 0s
            den 2 three from bob -> bob
        "#]],
    );
}

#[test]
fn a_close_of_ours_and_one_of_theirs_can_cross() {
    check(
        "ann opens for=5s
         +6s
         ann closes
         ann closes
         ann publishes den late #1
         ann says hello
         ann unclogs
         ann overfills den 1..2
         ann proves
         ann pongs
         bob opens
         bob closes
         bob closes",
        expect![[r#"
            ann <- connected as ann
            ann <- expiring at 5 in 5.1s
            at 5.1s
            ann closed TOKEN_EXPIRED
            ann ended after 5.1s
            at 6s
            bob <- connected as bob
            bob ended after 0s
        "#]],
    );
}

#[test]
fn what_is_meant_for_an_earlier_life_of_the_slot_reaches_nobody() {
    check(
        "ann opens
         ann subscribes den #1
         ann closes
         ann opens
         front publishes den hi",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            ann ended after 0s
            ann <- connected as ann
            front 7 <- placed a0/1
        "#]],
    );
}

#[test]
fn a_token_can_come_with_the_first_message() {
    check(
        "ann opens awaiting
         +1s
         ann connects secret #1
         ann proves in=den
         ann connects secret #2
         cid opens plain awaiting
         cid says {\"type\":\"auth\",\"token\":\"abc\"}
         cid proves in=den
         front publishes den hi",
        expect![[r#"
            at 1s
            verify secret of ann
            ann <- #1 connected as ann
            ann <- #2 refused BAD_COMMAND (You are connected. To replace the token, send refresh.)
            verify abc of cid
            cid <- connected as cid
            front 7 <- placed a0/1
            den 1 hi -> ann cid
        "#]],
    );
}

#[test]
fn whoever_brings_no_token_in_time_is_parted_with() {
    check(
        "ann opens awaiting
         bob opens awaiting
         +2s
         bob connects slow #1
         +20s",
        expect![[r#"
            at 2s
            verify slow of bob
            at 10s
            ann closed FIRST_MESSAGE_LATE
            ann ended after 10s
            bob closed FIRST_MESSAGE_LATE
            bob ended after 10s
        "#]],
    );
}

#[test]
fn before_the_token_nothing_else_is_heard() {
    check(
        "ann opens awaiting
         ann subscribes den #1
         bob opens awaiting
         bob connects bad #1
         bob fails to prove
         cid opens awaiting
         cid connects good #1
         cid publishes den early #2
         dan opens plain awaiting
         dan says hello
         eve opens plain awaiting
         eve says {\"type\":\"auth\",\"token\":\"abc\"}
         eve says impatient
         fay opens awaiting
         fay babbles",
        expect![[r#"
            ann closed AUTH_REQUIRED
            ann ended after 0s
            verify bad of bob
            bob closed INVALID_TOKEN
            bob ended after 0s
            verify good of cid
            cid closed AUTH_REQUIRED
            cid ended after 0s
            dan closed AUTH_REQUIRED
            dan ended after 0s
            verify abc of eve
            eve closed AUTH_REQUIRED
            eve ended after 0s
            fay <- refused INVALID_JSON
        "#]],
    );
}
