//! How far others have come (R75).

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn members_are_told_the_newest_place_of_each_once_a_tick() {
    check(
        "ann opens
         bob opens
         ann subscribes talk:1 #1
         bob subscribes talk:1 #1
         3 times front publishes talk:1 x
         ann acks talk:1 1
         ann acks talk:1 2
         bob has-read talk:1 1
         ann has-read talk:1 2
         +1s
         bob has-read talk:1 3
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed talk:1 after a0/0, delivered 0 read 0 unread 0
            bob <- #1 subscribed talk:1 after a0/0, delivered 0 read 0 unread 0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            talk:1 1 x -> ann bob
            talk:1 2 x -> ann bob
            talk:1 3 x -> ann bob
            at 0.2s
            talk:1 receipts ann 2/2, bob 1/1 -> ann bob
            at 1.2s
            talk:1 receipts bob 3/3 -> ann bob
        "#]],
    );
}

#[test]
fn nobody_goes_back_and_nothing_is_told_twice() {
    check(
        "ann opens
         ann subscribes talk:1 #1
         3 times front publishes talk:1 x
         ann has-read talk:1 3
         +1s
         ann has-read talk:1 2
         ann acks talk:1 3
         ann has-read talk:1 9 #2
         +1s",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed talk:1 after a0/0, delivered 0 read 0 unread 0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            talk:1 1 x -> ann
            talk:1 2 x -> ann
            talk:1 3 x -> ann
            at 0.2s
            talk:1 receipts ann 3/3 -> ann
            at 1s
            ann <- #2 refused BAD_OFFSET
        "#]],
    );
}

/// What the disk has not taken is told to nobody; what it has, once.
#[test]
fn only_what_holds_for_good_is_told() {
    check(
        "ann opens
         bob opens
         ann subscribes letters:1 #1
         bob subscribes letters:1 #1
         front publishes letters:1 a
         disk holds
         ann has-read letters:1 1
         +1s
         disk fails
         disk moves
         +1s
         disk works
         ann has-read letters:1 1
         +1s
         ann closes
         bob closes
         +1000s
         ann opens
         ann subscribes letters:1 #2
         ann has-read letters:1 1
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            disk <- load letters:1
            ann <- #1 subscribed letters:1 after a0/0, delivered 0 read 0 unread 0
            bob <- #1 subscribed letters:1 after a0/0, delivered 0 read 0 unread 0
            disk <- append letters:1 1 a
            front 7 <- placed a0/1
            letters:1 1 a -> ann bob
            disk <- move ann in letters:1 to 1/1
            at 2s
            disk <- move ann in letters:1 to 1/1
            at 2.2s
            letters:1 receipts ann 1/1 -> ann bob
            at 3s
            ann ended after 3s
            bob ended after 3s
            at 1003s
            ann <- connected as ann
            disk <- load letters:1
            ann <- #2 subscribed letters:1 after a0/1, delivered 1 read 1 unread 0
            disk <- move ann in letters:1 to 1/1
        "#]],
    );
}

#[test]
fn the_furthest_of_several_devices_counts() {
    check(
        "ann opens device=phone
         anns-tablet opens user=ann device=tablet
         ann subscribes devices:1 #1
         anns-tablet subscribes devices:1 #1
         3 times front publishes devices:1 x
         ann has-read devices:1 2
         +1s
         anns-tablet has-read devices:1 1
         +1s
         anns-tablet has-read devices:1 3
         +1s",
        expect![[r#"
            ann <- connected as ann
            anns-tablet <- connected as ann
            ann <- #1 subscribed devices:1 after a0/0, delivered 0 read 0 unread 0
            anns-tablet <- #1 subscribed devices:1 after a0/0, delivered 0 read 0 unread 0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            devices:1 1 x -> ann anns-tablet
            devices:1 2 x -> ann anns-tablet
            devices:1 3 x -> ann anns-tablet
            at 0.2s
            devices:1 receipts ann 2/2 -> ann anns-tablet
            at 2.2s
            devices:1 receipts ann 3/3 -> ann anns-tablet
        "#]],
    );
}

#[test]
fn every_shard_with_members_is_told_once_and_plain_clients_nothing() {
    check_shards(
        3,
        "ann opens on=1
         bob opens on=2
         bobs-phone opens on=2 user=bob
         cid opens plain in=talk:1
         ann subscribes talk:1 #1
         bob subscribes talk:1 #1
         bobs-phone subscribes talk:1 #1
         front publishes talk:1 x
         ann has-read talk:1 1
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bobs-phone <- connected as bob
            cid <- connected as cid
            0 -> 1 follow talk:1
            1 -> 0 followed talk:1 after b0/0
            ann <- #1 subscribed talk:1 after b0/0, delivered 0 read 0 unread 0
            2 -> 1 follow talk:1
            2 -> 1 fetch talk:1 from Unsaid
            1 -> 2 followed talk:1 after b0/0
            1 -> 2 fetched talk:1 nothing after 0
            bob <- #1 subscribed talk:1 after b0/0, delivered 0 read 0 unread 0
            2 -> 1 fetch talk:1 from Unsaid
            1 -> 2 fetched talk:1 nothing after 0
            bobs-phone <- #1 subscribed talk:1 after b0/0, delivered 0 read 0 unread 0
            1 -> 0 published talk:1 b0/1
            1 -> 2 published talk:1 b0/1
            front 7 <- placed b0/1
            talk:1 1 x -> ann
            talk:1 1 x -> cid
            talk:1 1 x -> bob bobs-phone
            at 0.2s
            1 -> 0 told talk:1 receipts ann 1/1
            1 -> 2 told talk:1 receipts ann 1/1
            talk:1 receipts ann 1/1 -> ann
            talk:1 receipts ann 1/1 -> bob bobs-phone
        "#]],
    );
}
