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
         ann subscribes news:1 #1
         bob subscribes news:1 #1
         cid publishes news:1 hi #1
         ann publishes news:1 hello
         bob signals news:1 typing #2
         ann unsubscribes news:1 #2
         bob publishes news:1 alone #3
         bob closes
         cid publishes news:1 nobody #2",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed news:1 after a0/0
            1 -> 0 follow news:1
            0 -> 1 followed news:1 after a0/0
            bob <- #1 subscribed news:1 after a0/0
            2 -> 0 publish news:1 hi
            0 -> 1 published news:1 a0/1
            0 -> 2 placed news:1 a0/1
            news:1 1 hi from cid -> ann
            news:1 1 hi from cid -> bob
            cid <- #1 published news:1 a0/1
            0 -> 1 published news:1 a0/2
            news:1 2 hello from ann -> ann
            news:1 2 hello from ann -> bob
            1 -> 0 signal news:1 typing
            0 -> 1 signalled news:1
            0 -> 1 placed news:1 nowhere
            news:1 signal typing from bob -> ann
            news:1 signal typing from bob -> bob
            bob <- #2 signalled news:1
            ann <- #2 unsubscribed news:1
            1 -> 0 publish news:1 alone
            0 -> 1 published news:1 a0/3
            0 -> 1 placed news:1 a0/3
            news:1 3 alone from bob -> bob
            bob <- #3 published news:1 a0/3
            1 -> 0 unfollow news:1
            bob ended after 0s
            2 -> 0 publish news:1 nobody
            0 -> 2 placed news:1 a0/4
            cid <- #2 published news:1 a0/4
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
         dan subscribes room:1 #1
         fay opens plain in=room:1 on=0
         eve opens on=1
         eve subscribes room:1 #1
         bus moves
         front publishes room:1 hi",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 published lobby a0/1
            bob <- connected as bob
            1 -> 0 follow lobby
            0 -> 1 followed lobby after a0/1
            bob <- #1 subscribed lobby after a0/1
            dan <- connected as dan
            dan <- #1 subscribed room:1 after a1/0
            fay <- connected as fay
            eve <- connected as eve
            1 -> 0 follow room:1
            0 -> 1 followed room:1 after a1/0
            eve <- #1 subscribed room:1 after a1/0
            0 -> 1 published room:1 a1/1
            front 7 <- placed a1/1
            room:1 1 hi -> dan fay
            room:1 1 hi -> eve
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
         ann subscribes room:1 #1
         bob subscribes room:1 #1
         bob closes
         ann closes
         bus moves
         front describes room:1 on=0
         front describes room:1 on=1
         front publishes room:1 hi",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed room:1 after a0/0
            1 -> 0 follow room:1
            1 -> 0 unfollow room:1
            bob ended after 0s
            ann ended after 0s
            0 -> 1 followed room:1 after a0/0
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
         ann publishes room:1 hi #1
         ann signals room:1 hi #2
         bob publishes room:1 hi #1
         ann closes
         bob closes
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 published room:1 a0/1
            ann <- #2 signalled room:1
            1 -> 0 publish room:1 hi
            ann ended after 0s
            bob ended after 0s
            0 -> 1 placed room:1 a0/2
        "#]],
    );
}

#[test]
fn what_was_on_its_way_before_the_last_member_left_reaches_nobody() {
    check_shards(
        2,
        "ann opens on=0
         bob opens on=1
         ann subscribes room:1 #1
         bob subscribes room:1 #1
         bus holds
         ann publishes room:1 one
         bob publishes room:1 two
         ann unsubscribes room:1 #2
         bob unsubscribes room:1 #2
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed room:1 after a0/0
            1 -> 0 follow room:1
            0 -> 1 followed room:1 after a0/0
            bob <- #1 subscribed room:1 after a0/0
            0 -> 1 published room:1 a0/1
            room:1 1 one from ann -> ann
            1 -> 0 publish room:1 two
            ann <- #2 unsubscribed room:1
            1 -> 0 unfollow room:1
            bob <- #2 unsubscribed room:1
            0 -> 1 published room:1 a0/2
        "#]],
    );
}

#[test]
fn whoever_leaves_before_the_home_has_answered_is_told_so() {
    check_shards(
        2,
        "bus holds
         ann opens on=1
         ann subscribes room:1 #1
         ann unsubscribes room:1 #2
         bob opens chat on=1
         bob subscribes room:1 #1
         app answers bob leave room:1
         cid opens on=1 role=staff
         cid subscribes staff:4 #1
         cid refreshes newer #2
         cid proves role=guest
         bus moves",
        expect![[r#"
            ann <- connected as ann
            1 -> 0 follow room:1
            ann <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow room:1
            ann <- #2 unsubscribed room:1
            bob <- connected as bob
            bob held
            app <- bob connected
            1 -> 0 follow room:1
            bob <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow room:1
            bob released
            cid <- connected as cid
            1 -> 0 follow staff:4
            verify newer newer of cid
            cid <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow staff:4
            cid <- refused DENIED (Your token no longer covers staff:4; you have left it.)
            cid <- #2 refreshed until 3600
            0 -> 1 followed room:1 after a0/0
            0 -> 1 followed room:1 after a0/0
            0 -> 1 followed staff:4 after a1/0
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
         ann subscribes room:1 #1
         ann unsubscribes room:1 #2
         front publishes room:1 before
         bus takes 1
         bus takes 1
         front publishes room:1 between
         ann subscribes room:1 #3
         bus takes 1
         front publishes room:1 after
         bus moves",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            1 -> 0 follow room:1
            ann <- #1 refused NOT_SUBSCRIBED (You have left it meanwhile.)
            1 -> 0 unfollow room:1
            ann <- #2 unsubscribed room:1
            front 7 <- placed a0/1
            0 -> 1 followed room:1 after a0/1
            front 7 <- placed a0/2
            1 -> 0 follow room:1
            front 7 <- placed a0/3
            0 -> 1 followed room:1 after a0/3
            ann <- #3 subscribed room:1 after a0/3
        "#]],
    );
}
