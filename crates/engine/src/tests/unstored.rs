//! Disks and homes that fail: what is refused, what is kept all the same, and who comes back.

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn what_the_disk_refuses_is_refused_and_never_heard() {
    check(
        "ann opens
         ann subscribes log:1 #1
         front publishes log:1 a
         disk holds
         ann publishes log:1 b #2
         ann publishes log:1 c #3
         disk fails
         disk moves
         ann publishes log:1 d #4
         ann signals log:1 alive #5
         +1s
         disk works
         +2s
         ann publishes log:1 e #6",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/0
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            log:1 1 a -> ann
            disk <- append log:1 2 b
            disk <- append log:1 3 c
            ann <- #2 refused STORE_UNAVAILABLE
            ann <- #3 refused STORE_UNAVAILABLE
            disk <- load log:1
            ann <- #4 refused STORE_UNAVAILABLE
            ann <- #5 signalled log:1
            log:1 signal alive from ann -> ann
            at 1s
            disk <- load log:1
            at 2s
            disk <- load log:1
            at 3s
            disk <- append log:1 2 e
            ann <- #6 published log:1 a0/2
            log:1 2 e from ann -> ann
        "#]],
    );
}

#[test]
fn what_was_refused_and_is_there_all_the_same_is_recovered_by_whoever_comes_back() {
    check(
        "ann opens
         ann subscribes log:1 #1
         front publishes log:1 a
         disk lies
         ann publishes log:1 b #2
         disk works
         +2s
         ann opens
         ann subscribes log:1 since a0/1 #1",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/0
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            log:1 1 a -> ann
            disk <- append log:1 2 b
            ann <- #2 refused STORE_UNAVAILABLE
            disk <- load log:1
            at 1s
            disk <- load log:1
            ann closed SHARD_FAILED
            ann ended after 1s
            at 2s
            ann <- connected as ann
            disk <- find log:1 After(Offset(1)) at most 128
            ann <- #1 subscribed log:1 after a0/1, recovered
            ann <- replay log:1 2 b
        "#]],
    );
}

#[test]
fn what_members_have_is_written_when_the_disk_works_again() {
    check(
        "ann opens
         ann subscribes quick:1 #1
         disk lies
         ann publishes quick:1 a #2
         ann publishes quick:1 b #3
         +1s
         disk works
         ann publishes quick:1 c #4
         bob opens
         bob subscribes quick:1 last 9 #1
         +2s
         front reads quick:1",
        expect![[r#"
            ann <- connected as ann
            disk <- load quick:1
            ann <- #1 subscribed quick:1 after a0/0
            disk <- append quick:1 1 a
            ann <- #2 published quick:1 a0/1
            quick:1 1 a from ann -> ann
            ann <- #3 published quick:1 a0/2
            quick:1 2 b from ann -> ann
            at 1s
            disk <- load quick:1
            ann <- #4 published quick:1 a0/3
            quick:1 3 c from ann -> ann
            bob <- connected as bob
            bob <- #1 subscribed quick:1 after a0/0
            bob <- replay quick:1 1 a, 2 b, 3 c
            at 2s
            disk <- load quick:1
            disk <- append quick:1 2 b
            disk <- append quick:1 3 c
            at 3s
            front 7 <- read 1 a, 2 b, 3 c of 1..=a0/3
        "#]],
    );
}

#[test]
fn a_log_that_cannot_be_loaded_turns_everyone_away_until_it_can() {
    check_shards(
        2,
        "disk fails
         ann opens on=0
         ann subscribes log:1 #1
         ann publishes log:1 a #2
         bob opens plain in=log:1 on=1
         cid opens on=1
         cid subscribes log:1 #1
         cid subscribes log:1 last 3 #2
         cid reads log:1 #3
         front describes log:1 on=1
         disk works
         cid subscribes log:1 #4
         front publishes log:1 b",
        expect![[r#"
            ann <- connected as ann
            0 -> 1 follow log:1
            disk <- load log:1
            1 -> 0 not followed log:1 STORE_UNAVAILABLE
            0 -> 1 unfollow log:1
            ann <- #1 refused STORE_UNAVAILABLE
            0 -> 1 publish log:1 a
            disk <- load log:1
            1 -> 0 not placed log:1 STORE_UNAVAILABLE
            ann <- #2 refused STORE_UNAVAILABLE
            bob <- connected as bob
            disk <- load log:1
            bob closed STORE_UNAVAILABLE
            bob ended after 0s
            cid <- connected as cid
            disk <- load log:1
            cid <- #1 refused STORE_UNAVAILABLE
            disk <- load log:1
            cid <- #2 refused STORE_UNAVAILABLE
            disk <- load log:1
            cid <- #3 refused STORE_UNAVAILABLE
            disk <- load log:1
            front 7 <- refused STORE_UNAVAILABLE
            disk <- load log:1
            cid <- #4 subscribed log:1 after b0/0
            disk <- append log:1 1 b
            front 7 <- placed b0/1
            log:1 1 b -> cid
        "#]],
    );
}

#[test]
fn a_home_that_fails_loses_nothing_that_was_confirmed() {
    check_shards(
        2,
        "ann opens on=0
         ann subscribes log:1 #1
         ann publishes log:1 a #2
         shard 1 fails
         ann publishes log:1 b #3",
        expect![[r#"
            ann <- connected as ann
            0 -> 1 follow log:1
            disk <- load log:1
            1 -> 0 followed log:1 after b0/0
            ann <- #1 subscribed log:1 after b0/0
            0 -> 1 publish log:1 a
            disk <- append log:1 1 a
            1 -> 0 published log:1 b0/1
            1 -> 0 placed log:1 b0/1
            log:1 1 a from ann -> ann
            ann <- #2 published log:1 b0/1
            1 -> 0 forgot
            0 -> 1 follow only log:1
            disk <- load log:1
            1 -> 0 followed 
            1 -> 0 followed log:1 after b0/1
            0 -> 1 publish log:1 b
            disk <- append log:1 2 b
            1 -> 0 published log:1 b0/2
            1 -> 0 placed log:1 b0/2
            log:1 2 b from ann -> ann
            ann <- #3 published log:1 b0/2
        "#]],
    );
}

#[test]
fn a_question_to_a_home_that_fails_is_not_waited_for() {
    check_shards(
        2,
        "front publishes log:1 a
         ann opens on=0
         bob opens on=0
         bus holds
         ann subscribes log:1 last 1 #1
         bob reads log:1 #1
         bus loses 3
         shard 1 fails
         bus moves",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed b0/1
            ann <- connected as ann
            bob <- connected as bob
            0 -> 1 follow log:1
            0 -> 1 fetch log:1 from Last(1)
            0 -> 1 fetch log:1 Last at most 100
            1 -> 0 forgot
            0 -> 1 follow only log:1
            ann closed SHARD_FAILED
            0 -> 1 unfollow log:1
            ann ended after 0s
            bob <- #1 refused BUSY
            disk <- load log:1
            1 -> 0 followed 
        "#]],
    );
}
