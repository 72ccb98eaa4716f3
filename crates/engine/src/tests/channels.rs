//! Subscribing, publishing, signalling, leaving.

use expect_test::expect;

use super::check;

#[test]
fn members_hear_each_other_in_order() {
    check(
        "ann opens
         bob opens
         ann subscribes den #1
         bob subscribes den #1
         ann publishes den one #2
         bob publishes den two
         ann unsubscribes den #3
         bob publishes den three #2
         ann unsubscribes den #4
         bob unsubscribes den",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed den after a0/0
            bob <- #1 subscribed den after a0/0
            ann <- #2 published den a0/1
            den 1 one from ann -> ann bob
            den 2 two from bob -> ann bob
            ann <- #3 unsubscribed den
            bob <- #2 published den a0/3
            den 3 three from bob -> bob
            ann <- #4 refused NOT_SUBSCRIBED
        "#]],
    );
}

#[test]
fn signals_have_no_place_and_reach_only_who_is_here() {
    check(
        "ann opens
         bob opens
         ann signals den nobody-home #1
         ann subscribes den #2
         bob signals den typing #1
         bob signals den typing
         bob publishes den hi #2",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 signalled den
            ann <- #2 subscribed den after a0/0
            bob <- #1 signalled den
            den signal typing from bob -> ann
            den signal typing from bob -> ann
            bob <- #2 published den a0/1
            den 1 hi from bob -> ann
        "#]],
    );
}

#[test]
fn what_is_not_allowed_is_denied() {
    check(
        "ann opens
         ann subscribes vault #1
         ann publishes vault hi #2
         ann signals vault hi #3
         ann publishes vault hi
         ann subscribes staff:1 #4
         bob opens role=staff
         bob subscribes staff:1 #1
         cid opens anonymous
         cid subscribes staff:1 #1
         cid subscribes den #2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused DENIED
            ann <- #2 refused DENIED
            ann <- #3 refused DENIED
            ann <- refused DENIED
            ann <- #4 refused DENIED
            bob <- connected as bob
            bob <- #1 subscribed staff:1 after a0/0
            cid <- connected as nobody
            cid <- #1 refused DENIED
            cid <- #2 subscribed den after a1/0
        "#]],
    );
}

#[test]
fn subscribing_twice_and_leaving_twice_are_refused() {
    check(
        "ann opens
         ann subscribes den #1
         ann subscribes den #2
         ann unsubscribes lobby #3
         ann unsubscribes lobby
         ann unsubscribes den #4
         ann unsubscribes den #5
         ann subscribes den #6",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            ann <- #2 refused ALREADY_SUBSCRIBED
            ann <- #3 refused NOT_SUBSCRIBED
            ann <- refused NOT_SUBSCRIBED
            ann <- #4 unsubscribed den
            ann <- #5 refused NOT_SUBSCRIBED
            ann <- #6 subscribed den after a0/0
        "#]],
    );
}

#[test]
fn a_connection_is_in_so_many_channels_and_no_more() {
    check(
        "ann opens
         ann subscribes room:1 #1
         ann subscribes room:2 #2
         ann subscribes room:3 #3
         ann subscribes room:4 #4
         ann unsubscribes room:2 #5
         ann subscribes room:4 #6",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed room:1 after a0/0
            ann <- #2 subscribed room:2 after a1/0
            ann <- #3 subscribed room:3 after a2/0
            ann <- #4 refused TOO_MANY_CHANNELS
            ann <- #5 unsubscribed room:2
            ann <- #6 subscribed room:4 after a3/0
        "#]],
    );
}

#[test]
fn a_refusal_carries_the_id_if_there_was_one() {
    check(
        "ann opens
         ann babbles #1
         ann babbles
         ann pings #2
         ann pings
         ann subscribes den
         ann refreshes token
         ann says words-only-an-app-understands
         ann connects again #3
         ann connects again",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused INVALID_JSON
            ann <- refused INVALID_JSON
            ann <- #2 pong
            ann <- refused BAD_COMMAND (This command needs an id.)
            ann <- refused BAD_COMMAND (This command needs an id.)
            ann <- refused BAD_COMMAND (This command needs an id.)
            ann <- refused NOT_ACCEPTED
            ann <- #3 refused BAD_COMMAND (You are connected. To replace the token, send refresh.)
            ann <- refused BAD_COMMAND (You are connected. To replace the token, send refresh.)
        "#]],
    );
}

/// The driver delivers at the end of a turn; whoever joins after the message, in that same turn,
/// has been told a place that includes it.
#[test]
fn joining_and_leaving_within_a_turn_deliver_nothing_twice() {
    check(
        "ann opens
         bob opens
         cid opens plain in=den
         ann subscribes den #1
         ann publishes den one
         and bob subscribes den #2
         and ann publishes den two
         ann publishes den three
         and bob unsubscribes den #3
         and bob subscribes den #4
         and cid closes
         ann publishes den four
         and ann unsubscribes den #5",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed den after a0/0
            bob <- #2 subscribed den after a0/1
            den 1 one from ann -> ann cid
            den 2 two from ann -> ann bob cid
            bob <- #3 unsubscribed den
            bob <- #4 subscribed den after a0/3
            cid ended after 0s
            den 3 three from ann -> ann
            ann <- #5 unsubscribed den
            den 4 four from ann -> bob
        "#]],
    );
}

#[test]
fn whoever_takes_a_leavers_seat_keeps_it() {
    check(
        "ann opens
         bob opens
         cid opens
         dan opens
         ann subscribes den #1
         bob subscribes den #1
         cid subscribes den #1
         dan subscribes den #1
         ann unsubscribes den #2
         front publishes den one
         dan unsubscribes den #2
         front publishes den two
         cid closes
         front publishes den three
         bob closes
         front publishes den four",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            dan <- connected as dan
            ann <- #1 subscribed den after a0/0
            bob <- #1 subscribed den after a0/0
            cid <- #1 subscribed den after a0/0
            dan <- #1 subscribed den after a0/0
            ann <- #2 unsubscribed den
            front 7 <- placed a0/1
            den 1 one -> dan bob cid
            dan <- #2 unsubscribed den
            front 7 <- placed a0/2
            den 2 two -> cid bob
            cid ended after 0s
            front 7 <- placed a0/3
            den 3 three -> bob
            bob ended after 0s
            front 7 <- placed a0/4
        "#]],
    );
}

#[test]
fn a_channel_keeps_its_place_for_a_minute() {
    check(
        "ann opens
         ann publishes den one #1
         ann closes
         +59s
         front describes den
         front publishes den two
         +59s
         bob opens
         bob subscribes den #1
         +20s
         bob pongs
         +20s
         bob pongs
         +20s
         bob pongs
         +20s
         bob publishes den three #2
         bob closes
         +59s
         front describes den",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 published den a0/1
            ann ended after 0s
            at 59s
            front 7 <- 0 members, head a0/1
            front 7 <- placed a0/2
            at 118s
            bob <- connected as bob
            bob <- #1 subscribed den after a0/2
            at 198s
            bob <- #2 published den a0/3
            den 3 three from bob -> bob
            bob ended after 80s
            at 257s
            front 7 <- 0 members, head a0/3
        "#]],
    );
}

#[test]
fn a_forgotten_channel_begins_again_with_another_epoch() {
    check(
        "ann opens
         ann publishes den one #1
         ann closes
         front describes den
         +130s
         front describes den
         ann opens
         ann publishes den one #2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 published den a0/1
            ann ended after 0s
            front 7 <- 0 members, head a0/1
            at 130s
            front 7 <- 0 members, head unknown
            ann <- connected as ann
            ann <- #2 published den a1/1
        "#]],
    );
}
