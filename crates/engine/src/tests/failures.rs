//! Inboxes that overflow and shards that end (F16).

use expect_test::expect;

use super::check_shards;

#[test]
fn after_an_overflow_everyone_who_may_have_missed_something_comes_back() {
    check_shards(
        2,
        "ann opens on=0
         bob opens on=1
         cid opens on=1
         ann subscribes room:1 #1
         bob subscribes room:1 #1
         ann subscribes lobby #2
         bob subscribes lobby #2
         shard 1 overflows
         front publishes room:1 hi
         front publishes lobby hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed room:1 after a0/0
            1 -> 0 follow room:1
            0 -> 1 followed room:1 after a0/0
            bob <- #1 subscribed room:1 after a0/0
            ann <- #2 subscribed lobby after a1/0
            1 -> 0 follow lobby
            0 -> 1 followed lobby after a1/0
            bob <- #2 subscribed lobby after a1/0
            bob closed SHARD_FAILED
            bob ended after 0s
            1 -> 0 forgot
            0 -> 1 follow only 
            1 -> 0 followed 
            front 7 <- placed a0/1
            room:1 1 hi -> ann
            front 7 <- placed a1/1
            lobby 1 hi -> ann
        "#]],
    );
}

/// The home lost a follow. It is asked again, and nobody who missed nothing is parted with.
#[test]
fn after_an_overflow_the_home_is_asked_again() {
    check_shards(
        2,
        "ann opens on=1
         ann subscribes room:0 #1
         bus holds
         ann subscribes room:1 #2
         ann unsubscribes room:0 #3
         bus loses 2
         shard 0 overflows
         bus moves
         front publishes room:0 hi
         front publishes room:1 hi",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow room:0
            0 -> 1 followed room:0 after a0/0
            ann <- #1 subscribed room:0 after a0/0
            1 -> 0 follow room:1
            1 -> 0 unfollow room:0
            ann <- #3 unsubscribed room:0
            0 -> 1 forgot
            1 -> 0 follow only room:1
            0 -> 1 followed room:1 after a1/0
            ann <- #2 subscribed room:1 after a1/0
            front 7 <- placed a0/1
            0 -> 1 published room:1 a1/1
            front 7 <- placed a1/1
            room:1 1 hi -> ann
        "#]],
    );
}

#[test]
fn after_an_overflow_whoever_missed_nothing_stays() {
    check_shards(
        2,
        "ann opens on=1
         ann subscribes room:1 #1
         front publishes room:1 one
         shard 0 overflows
         front publishes room:1 two",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow room:1
            0 -> 1 followed room:1 after a0/0
            ann <- #1 subscribed room:1 after a0/0
            0 -> 1 published room:1 a0/1
            front 7 <- placed a0/1
            room:1 1 one -> ann
            0 -> 1 forgot
            1 -> 0 follow only room:1
            0 -> 1 followed room:1 after a0/1
            0 -> 1 published room:1 a0/2
            front 7 <- placed a0/2
            room:1 2 two -> ann
        "#]],
    );
}

/// The inbox was full for one message; the one after it betrays it, even before the overflow does.
#[test]
fn whoever_missed_a_message_is_not_given_the_next() {
    check_shards(
        2,
        "ann opens on=1
         ann subscribes room:1 #1
         bob opens plain in=room:1 on=1
         bus holds
         front publishes room:1 one
         front publishes room:1 two
         bus loses 1
         bus moves
         front publishes room:1 three",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow room:1
            0 -> 1 followed room:1 after a0/0
            ann <- #1 subscribed room:1 after a0/0
            bob <- connected as bob
            0 -> 1 published room:1 a0/1
            front 7 <- placed a0/1
            0 -> 1 published room:1 a0/2
            front 7 <- placed a0/2
            ann closed SHARD_FAILED
            ann ended after 0s
            bob closed SHARD_FAILED
            1 -> 0 unfollow room:1
            bob ended after 0s
            front 7 <- placed a0/3
        "#]],
    );
}

/// Threat F16: a bug ends one shard, not the house.
#[test]
fn a_shard_that_failed_is_followed_anew() {
    check_shards(
        3,
        "ann opens on=1
         ann subscribes news:1 #1
         ann subscribes lobby #2
         bob opens on=2
         bob subscribes lobby #1
         cid opens on=0
         cid subscribes lobby #1
         bus holds
         dan opens on=1
         dan subscribes news:2 #1
         bob publishes news:1 lost-with-the-shard
         shard 0 fails
         bus moves
         front publishes news:2 hi
         front publishes lobby hi
         front describes lobby on=1
         cid opens on=0
         cid subscribes lobby #1
         front publishes lobby hi",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow news:1
            0 -> 1 followed news:1 after a0/0
            ann <- #1 subscribed news:1 after a0/0
            ann <- #2 subscribed lobby after b0/0
            bob <- connected as bob
            2 -> 1 follow lobby
            1 -> 2 followed lobby after b0/0
            bob <- #1 subscribed lobby after b0/0
            cid <- connected as cid
            0 -> 1 follow lobby
            1 -> 0 followed lobby after b0/0
            cid <- #1 subscribed lobby after b0/0
            dan <- connected as dan
            1 -> 0 follow news:2
            2 -> 0 publish news:1 lost-with-the-shard
            0 -> 1 forgot
            0 -> 2 forgot
            0 -> 1 followed news:2 after f0/0
            1 -> 0 follow only news:1 news:2
            2 -> 0 follow only 
            0 -> 1 followed news:1 after f1/1, news:2 after f0/0
            0 -> 2 followed 
            ann closed SHARD_FAILED
            1 -> 0 unfollow news:1
            ann ended after 0s
            dan <- #1 subscribed news:2 after f0/0
            0 -> 1 published news:2 f0/1
            front 7 <- placed f0/1
            news:2 1 hi -> dan
            1 -> 2 published lobby b0/1
            front 7 <- placed b0/1
            lobby 1 hi -> bob
            front 7 <- 0 members, head b0/1
            cid <- connected as cid
            0 -> 1 follow lobby
            1 -> 0 followed lobby after b0/1
            cid <- #1 subscribed lobby after b0/1
            1 -> 0 published lobby b0/2
            1 -> 2 published lobby b0/2
            front 7 <- placed b0/2
            lobby 2 hi -> cid
            lobby 2 hi -> bob
        "#]],
    );
}
