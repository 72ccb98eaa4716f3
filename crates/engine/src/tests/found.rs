//! What the simulation found first: rare turns of events, told as stories.

use expect_test::expect;

use super::{check, check_shards};

/// Threat L10.
#[test]
fn a_clock_that_is_set_back_does_not_turn_back_a_channel() {
    check(
        "ann opens
         ann subscribes den #1
         clock says 2000
         front publishes den a
         clock says 1000
         front publishes den b
         clock says 3000
         front publishes den c",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            front 7 <- placed a0/1
            den 1 a at 2000 -> ann
            front 7 <- placed a0/2
            den 2 b at 2000 -> ann
            front 7 <- placed a0/3
            den 3 c at 3000 -> ann
        "#]],
    );
}

#[test]
fn what_is_answered_already_is_not_answered_again() {
    check_shards(
        2,
        "front publishes log:1 a
         ann opens on=0
         bus holds
         ann reads log:1 #1
         bus takes 1
         shard 0 overflows
         bus moves
         ann reads log:1 #2",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed b0/1
            ann <- connected as ann
            0 -> 1 fetch log:1 Last at most 100
            1 -> 0 fetched log:1 1 a after 0
            ann <- #1 refused BUSY
            0 -> 1 forgot
            1 -> 0 follow only 
            0 -> 1 followed 
            0 -> 1 fetch log:1 Last at most 100
            1 -> 0 fetched log:1 1 a after 0
            ann <- #2 history log:1 1 a of 1..=b0/1
        "#]],
    );
}

#[test]
fn what_was_told_while_the_disk_was_read_is_not_left_out() {
    check(
        "front publishes quick:1 z
         front publishes log:1 z
         +1000s
         front describes quick:1
         disk holds
         front reads quick:1
         front publishes quick:1 a
         front publishes quick:1 b
         disk moves
         front describes log:1
         disk holds
         front reads log:1
         front publishes log:1 a
         disk takes 1
         disk moves",
        expect![[r#"
            disk <- load quick:1
            disk <- append quick:1 1 z
            front 7 <- placed a0/1
            disk <- load log:1
            disk <- append log:1 1 z
            front 7 <- placed a1/1
            at 1000s
            disk <- load quick:1
            front 7 <- 0 members, head a0/1
            disk <- find quick:1 Last at most 100
            disk <- append quick:1 2 a
            front 7 <- placed a0/2
            disk <- append quick:1 3 b
            front 7 <- placed a0/3
            front 7 <- read 1 z, 2 a, 3 b of 1..=a0/3
            disk <- load log:1
            front 7 <- 0 members, head a1/1
            disk <- find log:1 Last at most 100
            disk <- append log:1 2 a
            front 7 <- read 1 z of 1..=a1/1
            front 7 <- placed a1/2
        "#]],
    );
}

#[test]
fn nobody_hears_a_signal_before_they_know_where_they_stand() {
    check(
        "front publishes log:1 a
         +1000s
         ann opens
         ann subscribes log:1 #1
         bob opens
         disk holds
         bob subscribes log:1 last 1 #1
         ann signals log:1 one
         disk moves
         ann signals log:1 two",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            at 1000s
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/1
            bob <- connected as bob
            disk <- find log:1 After(Offset(0)) at most 128
            log:1 signal one from ann -> ann
            bob <- #1 subscribed log:1 after a0/0
            bob <- replay log:1 1 a
            log:1 signal two from ann -> ann bob
        "#]],
    );
}

#[test]
fn mail_that_is_acknowledged_elsewhere_meanwhile_is_not_missing() {
    check(
        "3 times front publishes mail:1 x
         +1000s
         ann opens
         ann subscribes mail:1 #1
         bob opens user=ann
         disk holds
         bob subscribes mail:1 #1
         ann acks mail:1 2 #2
         disk moves",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 x
            disk <- append mail:1 2 x
            disk <- append mail:1 3 x
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            at 1000s
            ann <- connected as ann
            disk <- load mail:1
            disk <- find mail:1 After(Offset(0)) at most 128
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 3
            ann <- replay mail:1 1 x, 2 x, 3 x
            bob <- connected as ann
            disk <- find mail:1 After(Offset(0)) at most 128
            disk <- move ann in mail:1 to 2/0
            bob <- #1 subscribed mail:1 after a0/2, recovered, delivered 2 read 0 unread 3
            bob <- replay mail:1 3 x
            ann <- #2 marked mail:1 delivered 2 read 0 unread 3
        "#]],
    );
}

#[test]
fn what_was_asked_for_an_earlier_seat_is_not_told_to_the_next() {
    check_shards(
        2,
        "3 times front publishes log:1 x
         ann opens on=0
         bus holds
         ann subscribes log:1 last 3 #1
         ann unsubscribes log:1 #2
         ann subscribes log:1 last 1 #3
         bus moves",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 x
            disk <- append log:1 2 x
            disk <- append log:1 3 x
            front 7 <- placed b0/1
            front 7 <- placed b0/2
            front 7 <- placed b0/3
            ann <- connected as ann
            0 -> 1 follow log:1
            0 -> 1 fetch log:1 from Last(3)
            ann <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            0 -> 1 unfollow log:1
            ann <- #2 unsubscribed log:1
            0 -> 1 follow log:1
            0 -> 1 fetch log:1 from Last(1)
            1 -> 0 followed log:1 after b0/3
            1 -> 0 fetched log:1 1 x, 2 x, 3 x after 0
            1 -> 0 followed log:1 after b0/3
            1 -> 0 fetched log:1 3 x after 2
            ann <- #3 subscribed log:1 after b0/2
            ann <- replay log:1 3 x
        "#]],
    );
}
