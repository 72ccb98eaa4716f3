//! Who writes (R76).

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn members_are_told_when_somebody_begins_and_stops_and_no_more() {
    check(
        "ann opens
         bob opens
         ann subscribes den #1
         bob subscribes den #1
         ann types den #2
         +2s
         ann types den
         +3s
         ann types den
         +1s
         ann stops typing den #3
         ann stops typing den #4
         front publishes den hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed den after a0/0
            bob <- #1 subscribed den after a0/0
            ann <- #2 types den
            den ann types -> ann bob
            at 6s
            ann <- #3 types not den
            den ann types not -> ann bob
            ann <- #4 types not den
            front 7 <- placed a0/1
            den 1 hi -> ann bob
        "#]],
    );
}

#[test]
fn whoever_falls_silent_has_stopped_after_five_seconds() {
    check(
        "ann opens
         bob opens
         bob subscribes den #1
         ann subscribes den #1
         ann types den
         +3s
         ann types den
         +10s
         bob types den
         +4800ms
         +300ms",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bob <- #1 subscribed den after a0/0
            ann <- #1 subscribed den after a0/0
            den ann types -> bob ann
            at 8s
            den ann types not -> bob ann
            at 13s
            den bob types -> bob ann
            at 18s
            den bob types not -> bob ann
        "#]],
    );
}

#[test]
fn whoever_leaves_or_goes_has_stopped() {
    check(
        "ann opens
         bob opens
         cid opens
         ann subscribes den #1
         bob subscribes den #1
         cid subscribes den #1
         ann types den
         bob types den
         ann unsubscribes den #2
         bob closes
         +10s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed den after a0/0
            bob <- #1 subscribed den after a0/0
            cid <- #1 subscribed den after a0/0
            den ann types -> ann bob cid
            den bob types -> ann bob cid
            ann <- #2 unsubscribed den
            den ann types not -> cid bob
            bob ended after 0s
            den bob types not -> cid
        "#]],
    );
}

#[test]
fn of_several_connections_the_last_that_writes_counts() {
    check_shards(
        2,
        "ann opens
         anns-phone opens user=ann on=1
         bob opens
         bob subscribes den #1
         ann subscribes den #1
         anns-phone subscribes den #1
         ann types den
         anns-phone types den
         ann closes
         anns-phone closes",
        expect![[r#"
            ann <- connected as ann
            anns-phone <- connected as ann
            bob <- connected as bob
            0 -> 1 follow den
            1 -> 0 followed den after b0/0
            bob <- #1 subscribed den after b0/0
            ann <- #1 subscribed den after b0/0
            anns-phone <- #1 subscribed den after b0/0
            0 -> 1 ann types den
            1 -> 0 told den ann types
            den ann types -> anns-phone
            den ann types -> bob ann
            0 -> 1 ann types not den
            ann ended after 0s
            1 -> 0 told den ann types not
            anns-phone ended after 0s
            den ann types not -> nobody
            den ann types not -> bob
        "#]],
    );
}

#[test]
fn writing_needs_a_seat_a_name_and_the_right_to_signal() {
    check(
        "ann opens
         ann types den #1
         nobody-yet opens anonymous
         nobody-yet subscribes den #1
         nobody-yet types den #2
         bob opens role=staff in=secret:1
         bob types secret:1 #1",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused NOT_SUBSCRIBED
            nobody-yet <- connected as nobody
            nobody-yet <- #1 subscribed den after a0/0
            nobody-yet <- #2 refused DENIED (Only users can be seen writing.)
            bob <- connected as bob
            bob <- #1 refused DENIED
        "#]],
    );
}

/// Plain clients are not sent what they cannot read (R55).
#[test]
fn plain_clients_hear_nothing_of_it() {
    check(
        "ann opens
         bob opens plain in=den
         ann subscribes den #1
         ann types den
         front publishes den hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed den after a0/0
            den ann types -> ann
            front 7 <- placed a0/1
            den 1 hi -> ann bob
        "#]],
    );
}

/// Threat F14: it has a budget of its own, and takes nothing from that of messages.
#[test]
fn ten_at_once_and_two_a_second() {
    check(
        "ann opens
         ann subscribes den #1
         10 times ann types den
         ann types den #2
         ann types den
         ann pings #3
         +500ms
         ann types den #4
         ann types den #5
         bob opens observed
         bob subscribes den #1
         11 times bob types den
         bob types den #2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            den ann types -> ann
            ann <- #2 refused TOO_FAST for 0.5s
            ann <- refused TOO_FAST for 0.5s
            ann <- #3 pong
            at 0.5s
            ann <- #4 types den
            ann <- #5 refused TOO_FAST for 0.5s
            bob <- connected as bob
            bob <- #1 subscribed den after a0/0
            den bob types -> ann bob
            bob <- #2 types den
        "#]],
    );
}

#[test]
fn a_shard_that_failed_writes_no_more_after_five_seconds() {
    check_shards(
        2,
        "ann opens on=1
         bob opens
         bob subscribes hall:3 #1
         ann subscribes hall:3 #1
         ann types hall:3
         shard 1 fails
         +6s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bob <- #1 subscribed hall:3 after a0/0
            1 -> 0 follow hall:3
            1 -> 0 in hall:3 ann 0..1
            0 -> 1 followed hall:3 after a0/0
            ann <- #1 subscribed hall:3 after a0/0
            1 -> 0 ann types hall:3
            0 -> 1 told hall:3 ann types
            hall:3 ann types -> bob
            hall:3 ann types -> ann
            1 -> 0 forgot
            0 -> 1 follow only 
            1 -> 0 followed 
            at 5s
            hall:3 ann types not -> bob
        "#]],
    );
}
