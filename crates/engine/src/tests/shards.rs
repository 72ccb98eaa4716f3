//! Several shards: a channel is at home on one of them, and its members are everywhere.

use expect_test::expect;

use super::check_shards;

#[test]
fn a_publication_goes_home_and_from_there_to_every_shard_with_members() {
    check_shards(
        3,
        "ann opens on=0
         bob opens on=1
         cid opens on=2
         ann subscribes den #1
         bob subscribes den #1
         cid publishes den hi #1
         ann publishes den hello
         bob signals den typing #2
         ann unsubscribes den #2
         bob publishes den alone #3
         bob closes
         cid publishes den nobody #2",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed den after a0/0
            1 -> 0 follow den
            0 -> 1 followed den after a0/0
            bob <- #1 subscribed den after a0/0
            2 -> 0 publish den hi
            0 -> 1 published den a0/1
            0 -> 2 placed den a0/1
            den 1 hi from cid -> ann
            den 1 hi from cid -> bob
            cid <- #1 published den a0/1
            0 -> 1 published den a0/2
            den 2 hello from ann -> ann
            den 2 hello from ann -> bob
            1 -> 0 signal den typing
            0 -> 1 signalled den
            0 -> 1 placed den nowhere
            den signal typing from bob -> ann
            den signal typing from bob -> bob
            bob <- #2 signalled den
            ann <- #2 unsubscribed den
            1 -> 0 publish den alone
            0 -> 1 published den a0/3
            0 -> 1 placed den a0/3
            den 3 alone from bob -> bob
            bob <- #3 published den a0/3
            1 -> 0 unfollow den
            bob ended after 0s
            2 -> 0 publish den nobody
            0 -> 2 placed den a0/4
            cid <- #2 published den a0/4
        "#]],
    );
}

#[test]
fn whoever_subscribes_is_told_when_the_home_has_answered() {
    check_shards(
        2,
        "ann opens on=0
         ann publishes lobby one #1
         bob opens on=1
         bob subscribes lobby #1
         bus holds
         dan opens on=0
         dan subscribes den #1
         fay opens plain in=den on=0
         eve opens on=1
         eve subscribes den #1
         bus moves
         front publishes den hi",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 published lobby a0/1
            bob <- connected as bob
            1 -> 0 follow lobby
            0 -> 1 followed lobby after a0/1
            bob <- #1 subscribed lobby after a0/1
            dan <- connected as dan
            dan <- #1 subscribed den after a1/0
            fay <- connected as fay
            eve <- connected as eve
            1 -> 0 follow den
            0 -> 1 followed den after a1/0
            eve <- #1 subscribed den after a1/0
            0 -> 1 published den a1/1
            front 7 <- placed a1/1
            den 1 hi -> dan fay
            den 1 hi -> eve
        "#]],
    );
}

#[test]
fn whoever_closes_before_the_home_has_answered_is_told_nothing() {
    check_shards(
        2,
        "bus holds
         ann opens on=0
         bob opens on=1
         ann subscribes den #1
         bob subscribes den #1
         bob closes
         ann closes
         bus moves
         front describes den on=0
         front describes den on=1
         front publishes den hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed den after a0/0
            1 -> 0 follow den
            1 -> 0 unfollow den
            bob ended after 0s
            ann ended after 0s
            0 -> 1 followed den after a0/0
            front 7 <- 0 members, head a0/0
            front 7 <- 0 members, head unknown
            front 7 <- placed a0/1
        "#]],
    );
}

#[test]
fn whoever_publishes_and_closes_is_not_answered() {
    check_shards(
        2,
        "ann opens on=0
         bob opens on=1
         bus holds
         ann publishes den hi #1
         ann signals den hi #2
         bob publishes den hi #1
         ann closes
         bob closes
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 published den a0/1
            ann <- #2 signalled den
            1 -> 0 publish den hi
            ann ended after 0s
            bob ended after 0s
            0 -> 1 placed den a0/2
        "#]],
    );
}

#[test]
fn what_was_on_its_way_before_the_last_member_left_reaches_nobody() {
    check_shards(
        2,
        "ann opens on=0
         bob opens on=1
         ann subscribes den #1
         bob subscribes den #1
         bus holds
         ann publishes den one
         bob publishes den two
         ann unsubscribes den #2
         bob unsubscribes den #2
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed den after a0/0
            1 -> 0 follow den
            0 -> 1 followed den after a0/0
            bob <- #1 subscribed den after a0/0
            0 -> 1 published den a0/1
            den 1 one from ann -> ann
            1 -> 0 publish den two
            ann <- #2 unsubscribed den
            1 -> 0 unfollow den
            bob <- #2 unsubscribed den
            0 -> 1 published den a0/2
        "#]],
    );
}

#[test]
fn whoever_leaves_before_the_home_has_answered_is_told_so() {
    check_shards(
        2,
        "bus holds
         ann opens on=1
         ann subscribes den #1
         ann unsubscribes den #2
         bob opens chat on=1
         bob subscribes den #1
         app answers bob leave den
         cid opens on=1 role=staff
         cid subscribes staff:4 #1
         cid refreshes newer #2
         cid proves role=guest
         bus moves",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow den
            ann <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow den
            ann <- #2 unsubscribed den
            bob <- connected as bob
            bob held
            app <- bob connected
            1 -> 0 follow den
            bob <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow den
            bob released
            cid <- connected as cid
            cid <- #1 subscribed staff:4 after b0/0
            verify newer newer of cid
            cid <- refused DENIED (Your token no longer covers staff:4; you have left it.)
            cid <- #2 refreshed until 3600
            0 -> 1 followed den after a0/0
            0 -> 1 followed den after a0/0
        "#]],
    );
}

/// The answer to the first follow arrives at the second one's channel. What was published between
/// the two was not sent to this shard, so that answer must not be taken for the second's.
#[test]
fn an_answer_to_an_earlier_follow_is_not_believed() {
    check_shards(
        2,
        "ann opens on=1
         bob opens on=0
         bus holds
         ann subscribes den #1
         ann unsubscribes den #2
         front publishes den before
         bus takes 1
         bus takes 1
         front publishes den between
         ann subscribes den #3
         bus takes 1
         front publishes den after
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            1 -> 0 follow den
            ann <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow den
            ann <- #2 unsubscribed den
            front 7 <- placed a0/1
            0 -> 1 followed den after a0/1
            front 7 <- placed a0/2
            1 -> 0 follow den
            front 7 <- placed a0/3
            0 -> 1 followed den after a0/3
            ann <- #3 subscribed den after a0/3
        "#]],
    );
}
