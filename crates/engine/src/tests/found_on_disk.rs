//! What the simulation found first of disks that refuse, lie, cut and are too busy.

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn what_was_cut_on_disk_is_not_read_from_memory() {
    check(
        "front publishes log:1 a
         +1000s
         front publishes log:1 b
         disk cuts log:1 to 3
         ann opens
         ann reads log:1 after 0 #1
         ann reads log:1 #2",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            at 1000s
            disk <- load log:1
            disk <- append log:1 2 b
            front 7 <- placed a0/2
            ann <- connected as ann
            disk <- find log:1 After(Offset(0)) at most 100
            ann <- #1 history log:1 nothing of 3..=a0/2
            disk <- find log:1 Last at most 100
            ann <- #2 history log:1 nothing of 3..=a0/2
        "#]],
    );
}

#[test]
fn a_cursor_is_not_confirmed_where_the_disk_has_no_messages_yet() {
    check(
        "ann opens
         ann subscribes post:1 #1
         front publishes post:1 a
         disk holds
         front publishes post:1 b
         ann acks post:1 2 #2
         disk fails
         disk takes 1
         disk works
         disk moves
         +2s
         ann acks post:1 2 #3",
        expect![[r#"
            ann <- connected as ann
            disk <- load post:1
            ann <- #1 subscribed post:1 after a0/0, recovered, delivered 0 read 0 unread 0
            disk <- append post:1 1 a
            front 7 <- placed a0/1
            post:1 1 a -> ann
            disk <- append post:1 2 b
            front 7 <- placed a0/2
            post:1 2 b -> ann
            disk <- move ann in post:1 to 2/0
            ann <- #2 refused STORE_UNAVAILABLE
            at 1s
            disk <- load post:1
            disk <- append post:1 2 b
            at 2s
            disk <- move ann in post:1 to 2/0
            ann <- #3 marked post:1 delivered 2 read 0 unread 2
        "#]],
    );
}

#[test]
fn the_first_messages_of_a_log_are_written_when_the_disk_works_again() {
    check(
        "ann opens
         ann subscribes quick:1 #1
         disk fails
         front publishes quick:1 a
         front publishes quick:1 b
         disk works
         +2s
         front publishes quick:1 c
         front reads quick:1",
        expect![[r#"
            ann <- connected as ann
            disk <- load quick:1
            ann <- #1 subscribed quick:1 after a0/0
            disk <- append quick:1 1 a
            front 7 <- placed a0/1
            quick:1 1 a -> ann
            front 7 <- placed a0/2
            quick:1 2 b -> ann
            at 1s
            disk <- load quick:1
            disk <- append quick:1 1 a
            disk <- append quick:1 2 b
            at 2s
            disk <- append quick:1 3 c
            front 7 <- placed a0/3
            quick:1 3 c -> ann
            front 7 <- read 1 a, 2 b, 3 c of 1..=a0/3
        "#]],
    );
}

#[test]
fn what_succeeds_after_a_failure_does_not_leave_a_log_broken() {
    check(
        "ann opens
         ann subscribes log:1 #1
         ann subscribes quick:1 #2
         front publishes log:1 x
         disk holds
         ann publishes log:1 a #3
         ann publishes quick:1 a #4
         ann publishes log:1 b #5
         ann publishes quick:1 b #6
         disk lies
         disk takes 2
         disk works
         disk moves
         +2s
         front publishes log:1 c
         front publishes quick:1 c
         front reads log:1
         front reads quick:1",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/0
            disk <- load quick:1
            ann <- #2 subscribed quick:1 after a1/0
            disk <- append log:1 1 x
            front 7 <- placed a0/1
            log:1 1 x -> ann
            disk <- append log:1 2 a
            disk <- append quick:1 1 a
            ann <- #4 published quick:1 a1/1
            quick:1 1 a from ann -> ann
            disk <- append log:1 3 b
            disk <- append quick:1 2 b
            ann <- #6 published quick:1 a1/2
            quick:1 2 b from ann -> ann
            ann <- #3 refused STORE_UNAVAILABLE
            ann closed SHARD_FAILED
            ann ended after 0s
            disk <- load log:1
            at 1s
            disk <- load quick:1
            at 2s
            disk <- append log:1 4 c
            front 7 <- placed a0/4
            disk <- append quick:1 3 c
            front 7 <- placed a1/3
            disk <- find log:1 Last at most 100
            front 7 <- read 1 x, 2 a, 3 b, 4 c of 1..=a0/4
            front 7 <- read 1 a, 2 b, 3 c of 1..=a1/3
        "#]],
    );
}

#[test]
fn what_was_cut_while_the_disk_refused_is_not_read_from_memory() {
    check(
        "2 times front publishes log:1 x
         disk fails
         front publishes log:1 y
         disk cuts log:1 to 2
         disk works
         +2s
         front reads log:1",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 x
            disk <- append log:1 2 x
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            disk <- append log:1 3 y
            front 7 <- refused STORE_UNAVAILABLE
            disk <- load log:1
            at 1s
            disk <- load log:1
            at 2s
            front 7 <- read 2 x of 2..=a0/2
        "#]],
    );
}

#[test]
fn a_cursor_that_moved_while_the_disk_was_asked_does_not_go_back() {
    check(
        "2 times front publishes mail:1 x
         ann opens
         ann subscribes mail:1 #1
         disk fails
         front publishes mail:1 y
         disk works
         disk holds
         +1s
         ann acks mail:1 2 #2
         disk moves
         front asks for mail:1 of ann",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 x
            disk <- append mail:1 2 x
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            ann <- connected as ann
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 2
            ann <- replay mail:1 1 x, 2 x
            disk <- append mail:1 3 y
            front 7 <- refused STORE_UNAVAILABLE
            disk <- load mail:1
            at 1s
            disk <- load mail:1
            disk <- move ann in mail:1 to 2/0
            ann <- #2 marked mail:1 delivered 2 read 0 unread 2
            front 7 <- delivered 2 read 0 unread 2
        "#]],
    );
}

#[test]
fn whoever_follows_a_home_that_cannot_tell_comes_back() {
    check_shards(
        2,
        "ann opens on=0
         ann subscribes log:1 #1
         disk fails
         shard 1 fails
         ann opens on=0
         bus holds
         disk holds
         ann subscribes log:1 #1
         bus takes 1
         bob opens on=0
         bob subscribes log:1 last 1 #1
         disk moves
         disk works
         bus moves",
        expect![[r#"
            ann <- connected as ann
            0 -> 1 follow log:1
            disk <- load log:1
            1 -> 0 followed log:1 after b0/0
            ann <- #1 subscribed log:1 after b0/0
            1 -> 0 forgot
            0 -> 1 follow only log:1
            disk <- load log:1
            1 -> 0 followed 
            1 -> 0 not followed log:1 STORE_UNAVAILABLE
            ann closed STORE_UNAVAILABLE
            0 -> 1 unfollow log:1
            ann ended after 0s
            ann <- connected as ann
            0 -> 1 follow log:1
            disk <- load log:1
            bob <- connected as bob
            0 -> 1 fetch log:1 from Last(1)
            1 -> 0 not followed log:1 STORE_UNAVAILABLE
            disk <- load log:1
            ann <- #1 refused STORE_UNAVAILABLE
            0 -> 1 unfollow log:1
            bob <- #1 refused STORE_UNAVAILABLE
            1 -> 0 fetched log:1 nothing after 0
        "#]],
    );
}

#[test]
fn a_disk_that_is_too_busy_for_the_second_says_so_before_it_has_done_the_first() {
    check(
        "ann opens
         ann subscribes log:1 #1
         disk holds
         ann publishes log:1 a #2
         ann publishes log:1 b #3
         disk is too busy
         disk moves
         ann publishes log:1 c #4",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/0
            disk <- append log:1 1 a
            disk <- append log:1 2 b
            ann <- #3 refused BUSY
            ann <- #2 published log:1 a0/1
            disk <- load log:1
            log:1 1 a from ann -> ann
            disk <- append log:1 2 c
            ann <- #4 published log:1 a0/2
            log:1 2 c from ann -> ann
        "#]],
    );
}

#[test]
fn what_cannot_be_erased_is_still_there() {
    check(
        "ann opens
         ann subscribes quick:1 #1
         front publishes quick:1 a
         disk fails
         front publishes quick:1 b
         front erases quick:1
         ann publishes log:1 x #2
         front erases log:1
         disk works
         +2s
         front reads quick:1
         front erases quick:1
         front reads quick:1",
        expect![[r#"
            ann <- connected as ann
            disk <- load quick:1
            ann <- #1 subscribed quick:1 after a0/0
            disk <- append quick:1 1 a
            front 7 <- placed a0/1
            quick:1 1 a -> ann
            disk <- append quick:1 2 b
            front 7 <- placed a0/2
            quick:1 2 b -> ann
            front 7 <- refused STORE_UNAVAILABLE
            disk <- load log:1
            ann <- #2 refused STORE_UNAVAILABLE
            disk <- load log:1
            front 7 <- refused STORE_UNAVAILABLE
            at 1s
            disk <- load quick:1
            disk <- append quick:1 2 b
            at 2s
            front 7 <- read 1 a, 2 b of 1..=a0/2
            disk <- erase quick:1
            ann closed SHARD_FAILED
            ann ended after 2s
            front 7 <- erased
            disk <- load quick:1
            front 7 <- read nothing of 1..=a2/0
        "#]],
    );
}

#[test]
fn two_mailboxes_that_cannot_be_sent_again_end_one_connection() {
    check(
        "front publishes mail:1 a
         front publishes mail:2 b
         +1000s
         ann opens
         ann subscribes mail:1 #1
         ann subscribes mail:2 #2
         front publishes mail:1 c
         front publishes mail:2 d
         disk cuts mail:1 to 2
         disk cuts mail:2 to 2
         bob opens
         bob reads mail:1 after 0 #1
         bob reads mail:2 after 0 #2
         +10s",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            disk <- load mail:2
            disk <- append mail:2 1 b
            front 7 <- placed a1/1
            at 1000s
            ann <- connected as ann
            disk <- load mail:1
            disk <- find mail:1 After(Offset(0)) at most 128
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 1
            ann <- replay mail:1 1 a
            disk <- load mail:2
            disk <- find mail:2 After(Offset(0)) at most 128
            ann <- #2 subscribed mail:2 after a1/0, recovered, delivered 0 read 0 unread 1
            ann <- replay mail:2 1 b
            disk <- append mail:1 2 c
            front 7 <- placed a0/2
            mail:1 2 c -> ann
            disk <- append mail:2 2 d
            front 7 <- placed a1/2
            mail:2 2 d -> ann
            bob <- connected as bob
            disk <- find mail:1 After(Offset(0)) at most 100
            bob <- #1 history mail:1 2 c of 2..=a0/2
            disk <- find mail:2 After(Offset(0)) at most 100
            bob <- #2 history mail:2 2 d of 2..=a1/2
            at 1010s
            ann closed TOO_SLOW
            ann ended after 10s
        "#]],
    );
}

#[test]
fn what_was_erased_although_the_disk_refused_is_gone() {
    check(
        "ann opens
         front publishes log:1 a
         ann subscribes log:1 #1
         disk lies
         front erases log:1
         disk works
         +2s
         front publishes log:1 b
         front reads log:1",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            ann <- #1 subscribed log:1 after a0/1
            disk <- erase log:1
            disk <- load log:1
            front 7 <- refused STORE_UNAVAILABLE
            at 1s
            disk <- load log:1
            ann closed SHARD_FAILED
            ann ended after 1s
            at 2s
            disk <- append log:1 1 b
            front 7 <- placed a1/1
            front 7 <- read 1 b of 1..=a1/1
        "#]],
    );
}
