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
            1 -> 0 unfollow lobby
            1 -> 0 unfollow room:1
            bob ended after 0s
            front 7 <- placed a0/1
            room:1 1 hi -> ann
            front 7 <- placed a1/1
            lobby 1 hi -> ann
        "#]],
    );
}
