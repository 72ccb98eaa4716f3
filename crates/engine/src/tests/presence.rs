//! Who is here (R77, R79).

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn whoever_asked_for_it_is_told_who_comes_and_goes() {
    check(
        "clock says 5000
         ann opens
         bob opens
         cid opens
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         +1s
         cid subscribes hall:1 #1
         bob unsubscribes hall:1 #2
         +1s
         ann asks who hall:1 #2
         ann asks about bob in hall:1 #3
         ann asks about dan in hall:1 #4
         ann asks who hall:1 limit 0 #5
         ann asks who hall:1 after ann limit 1 #6",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed hall:1 after a0/0
            bob <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +ann +bob of 2 at 5000 -> ann
            at 1s
            cid <- #1 subscribed hall:1 after a0/0
            bob <- #2 unsubscribed hall:1
            at 1.2s
            hall:1 presence +cid -bob of 2 at 5000 -> ann
            at 2s
            ann <- #2 in hall:1 ann online since 5000 on 1, cid online since 5000 on 1, 2 users, 2 connections
            ann <- #3 in hall:1 bob offline since 5000, 2 users, 2 connections
            ann <- #4 in hall:1 dan offline since ever, 2 users, 2 connections
            ann <- #5 in hall:1 2 users, 2 connections
            ann <- #6 in hall:1 cid online since 5000 on 1, 2 users, 2 connections
        "#]],
    );
}

/// A reload, a tunnel, a change of networks: nobody has been away (L3).
#[test]
fn whoever_comes_back_within_the_grace_has_not_been_away() {
    check(
        "ann opens
         bob opens
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         +1s
         bob closes
         +14s
         bob opens
         bob subscribes hall:1 #1
         +1s
         clock says 16000
         bob closes
         ann waits 14s
         clock says 30000
         ann asks about bob in hall:1 #2
         +2s
         ann asks about bob in hall:1 #3",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed hall:1 after a0/0
            bob <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +ann +bob of 2 -> ann
            at 1s
            bob ended after 1s
            at 15s
            bob <- connected as bob
            bob <- #1 subscribed hall:1 after a0/0
            at 16s
            bob ended after 1s
            at 25s
            ann <- ping frame
            at 30s
            ann <- #2 in hall:1 bob online since 0 on 0, 2 users, 1 connections
            at 31.2s
            hall:1 presence -bob of 1 at 30000 -> ann
            at 32s
            ann <- #3 in hall:1 bob offline since 16000, 1 users, 1 connections
        "#]],
    );
}

/// Threat L3: a peer that vanished is gone within forty seconds, all in all.
#[test]
fn whoever_falls_silent_is_shown_for_forty_seconds_at_most() {
    check(
        "ann opens
         bob opens
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         +1s
         ann waits 20s
         ann waits 15s
         ann waits 10s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed hall:1 after a0/0
            bob <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +ann +bob of 2 -> ann
            at 25s
            bob <- ping frame
            at 35s
            bob closed PING_TIMEOUT
            bob ended after 35s
            at 39.7s
            hall:1 presence -bob of 1 -> ann
        "#]],
    );
}

#[test]
fn whoever_is_sent_away_is_gone_at_once() {
    check(
        "ann opens
         bob opens
         cid opens for=10s
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         cid subscribes hall:1 #1
         +1s
         front disconnects user bob
         +12s
         ann waits 20s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed hall:1 after a0/0
            bob <- #1 subscribed hall:1 after a0/0
            cid <- #1 subscribed hall:1 after a0/0
            cid <- expiring at 10 in 10.3s
            at 0.2s
            hall:1 presence +ann +bob +cid of 3 -> ann
            at 1s
            bob closed DISCONNECTED
            bob ended after 1s
            front 7 <- disconnected 1
            at 1.2s
            hall:1 presence -bob of 2 -> ann
            at 10.3s
            cid closed TOKEN_EXPIRED
            cid ended after 10.3s
            at 25s
            ann <- ping frame
            at 25.5s
            hall:1 presence -cid of 1 -> ann
        "#]],
    );
}

#[test]
fn a_user_counts_once_however_many_connections_on_however_many_shards() {
    check_shards(
        3,
        "ann opens
         bob opens on=1
         bobs-phone opens user=bob on=2
         bobs-watch opens user=bob on=2
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         bobs-phone subscribes hall:1 #1
         bobs-watch subscribes hall:1 #1
         +1s
         ann asks who hall:1 #2
         bob closes
         bobs-phone unsubscribes hall:1
         +1s
         ann asks who hall:1 #3
         bobs-watch unsubscribes hall:1
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bobs-phone <- connected as bob
            bobs-watch <- connected as bob
            0 -> 2 follow hall:1
            0 -> 2 in hall:1 ann 0..1
            2 -> 0 followed hall:1 after c0/0
            ann <- #1 subscribed hall:1 after c0/0
            1 -> 2 follow hall:1
            1 -> 2 in hall:1 bob 0..1
            2 -> 1 followed hall:1 after c0/0
            bob <- #1 subscribed hall:1 after c0/0
            bobs-phone <- #1 subscribed hall:1 after c0/0
            bobs-watch <- #1 subscribed hall:1 after c0/0
            at 0.2s
            2 -> 0 told hall:1 presence +ann +bob of 2
            2 -> 1 told hall:1 presence +ann +bob of 2
            hall:1 presence +ann +bob of 2 -> ann
            at 1s
            0 -> 2 who is in hall:1
            2 -> 0 in hall:1 ann online since 0 on 1, bob online since 0 on 3, 2 users, 4 connections
            ann <- #2 in hall:1 ann online since 0 on 1, bob online since 0 on 3, 2 users, 4 connections
            1 -> 2 in hall:1 bob 1..0 for 15s
            1 -> 2 unfollow hall:1
            bob ended after 1s
            at 2s
            0 -> 2 who is in hall:1
            2 -> 0 in hall:1 ann online since 0 on 1, bob online since 0 on 1, 2 users, 2 connections
            ann <- #3 in hall:1 ann online since 0 on 1, bob online since 0 on 1, 2 users, 2 connections
            at 2.2s
            2 -> 0 told hall:1 presence -bob of 1
            hall:1 presence -bob of 1 -> ann
        "#]],
    );
}

#[test]
fn the_strongest_of_a_users_statuses_is_shown_and_whoever_hides_is_not_here() {
    check(
        "ann opens
         bob opens
         bobs-phone opens user=bob
         ann subscribes hall:1 presence #1
         bob subscribes hall:1 #1
         bob shows away #2
         +1s
         bobs-phone shows on a boat #1
         bobs-phone subscribes hall:1 #2
         +1s
         bob shows online
         +1s
         bob shows offline
         +1s
         bobs-phone shows offline
         +1s
         ann asks who hall:1 #2
         bob shows online
         bob shows away
         bob shows online
         +1s
         nobody-yet opens anonymous
         nobody-yet shows away #1",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bobs-phone <- connected as bob
            ann <- #1 subscribed hall:1 after a0/0
            bob <- #1 subscribed hall:1 after a0/0
            bob <- #2 shown away
            at 0.2s
            hall:1 presence +ann +bob(away) of 2 -> ann
            at 1s
            bobs-phone <- #1 shown on a boat
            bobs-phone <- #2 subscribed hall:1 after a0/0
            at 1.2s
            hall:1 presence ~bob(on a boat) of 2 -> ann
            at 2.2s
            hall:1 presence ~bob of 2 -> ann
            at 3.2s
            hall:1 presence ~bob(on a boat) of 2 -> ann
            at 4.2s
            hall:1 presence -bob of 1 -> ann
            at 5s
            ann <- #2 in hall:1 ann online since 0 on 1, 1 users, 3 connections
            at 5.2s
            hall:1 presence +bob of 2 -> ann
            at 6s
            nobody-yet <- connected as nobody
            nobody-yet <- #1 refused DENIED (Only users have a status.)
        "#]],
    );
}

/// Connections without a user count as connections, and so do those a route joined.
#[test]
fn plain_and_anonymous_members_count_and_hear_nothing() {
    check(
        "ann opens
         ann subscribes hall:1 presence #1
         bob opens plain in=hall:1
         nobody-yet opens anonymous
         nobody-yet subscribes hall:1 #1
         nobody-else opens anonymous
         nobody-else subscribes hall:1 #1
         +1s
         front asks who hall:1
         nobody-else closes
         front asks who hall:1 limit 0
         front asks about bob in hall:1
         front asks who den
         front asks who hall:2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed hall:1 after a0/0
            bob <- connected as bob
            nobody-yet <- connected as nobody
            nobody-yet <- #1 subscribed hall:1 after a0/0
            nobody-else <- connected as nobody
            nobody-else <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +ann +bob of 2 -> ann
            at 1s
            front 7 <- ann online since 0 on 1, bob online since 0 on 1, 2 users, 4 connections
            nobody-else ended after 1s
            front 7 <- 2 users, 3 connections
            front 7 <- bob online since 0 on 1, 2 users, 3 connections
            front 7 <- refused NO_PRESENCE
            front 7 <- 0 users, 0 connections
        "#]],
    );
}

/// Threat F14: what is told does not grow with the room.
#[test]
fn a_crowd_is_only_counted() {
    check(
        "ann opens
         bob opens
         cid opens
         dan opens
         ann subscribes inn:1 presence #1
         bob subscribes inn:1 #1
         +1s
         cid subscribes inn:1 #1
         dan subscribes inn:1 #1
         +3s
         ann asks who inn:1 limit 3 #2
         dan shows away
         +3s
         dan unsubscribes inn:1
         cid unsubscribes inn:1
         +3s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            dan <- connected as dan
            ann <- #1 subscribed inn:1 after a0/0
            bob <- #1 subscribed inn:1 after a0/0
            at 0.2s
            inn:1 presence +ann +bob of 2 -> ann
            at 1s
            cid <- #1 subscribed inn:1 after a0/0
            dan <- #1 subscribed inn:1 after a0/0
            at 3s
            inn:1 presence of 4 -> ann
            at 4s
            ann <- #2 in inn:1 ann online since 0 on 1, bob online since 0 on 1, cid online since 0 on 1, 4 users, 4 connections
            at 7.2s
            inn:1 presence -dan -cid of 2 -> ann
        "#]],
    );
}

#[test]
fn a_shard_that_failed_is_waited_for() {
    check_shards(
        2,
        "ann opens
         bob opens on=1
         cid opens on=1
         ann subscribes hall:3 presence #1
         bob subscribes hall:3 #1
         cid subscribes hall:3 #1
         +1s
         shard 1 fails
         bob opens on=1
         bob subscribes hall:3 #1
         ann waits 14s
         ann waits 5s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- #1 subscribed hall:3 after a0/0
            1 -> 0 follow hall:3
            1 -> 0 in hall:3 bob 0..1
            0 -> 1 followed hall:3 after a0/0
            bob <- #1 subscribed hall:3 after a0/0
            1 -> 0 in hall:3 cid 0..1
            cid <- #1 subscribed hall:3 after a0/0
            at 0.2s
            0 -> 1 told hall:3 presence +ann +bob +cid of 3
            hall:3 presence +ann +bob +cid of 3 -> ann
            at 1s
            1 -> 0 forgot
            0 -> 1 follow only 
            1 -> 0 followed 
            bob <- connected as bob
            1 -> 0 follow hall:3
            1 -> 0 in hall:3 bob 0..1
            0 -> 1 followed hall:3 after a0/0
            bob <- #1 subscribed hall:3 after a0/0
            at 16.2s
            0 -> 1 told hall:3 presence -cid of 2
            hall:3 presence -cid of 2 -> ann
        "#]],
    );
}

/// Names may be told twice, and nobody is told to have left: whoever counts sees what was missed.
#[test]
fn a_home_that_failed_is_told_again_who_is_here() {
    check_shards(
        2,
        "ann opens on=1
         bob opens on=1
         cid opens
         dan opens
         front publishes letters:1 a
         ann subscribes letters:1 presence #1
         bob subscribes letters:1 #1
         cid subscribes letters:1 #1
         dan subscribes letters:1 #1
         bob shows away
         +1s
         shard 0 fails
         cid opens
         cid subscribes letters:1 #1
         +1s
         ann asks who letters:1 #2",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            dan <- connected as dan
            disk <- load letters:1
            disk <- append letters:1 1 a
            front 7 <- placed a0/1
            1 -> 0 follow letters:1
            1 -> 0 in letters:1 ann 0..1
            1 -> 0 fetch letters:1 from Unsaid
            0 -> 1 followed letters:1 after a0/1
            0 -> 1 fetched letters:1 nothing after 1
            ann <- #1 subscribed letters:1 after a0/1, delivered 0 read 0 unread 1
            1 -> 0 in letters:1 bob 0..1
            1 -> 0 fetch letters:1 from Unsaid
            0 -> 1 fetched letters:1 nothing after 1
            bob <- #1 subscribed letters:1 after a0/1, delivered 0 read 0 unread 1
            cid <- #1 subscribed letters:1 after a0/1, delivered 0 read 0 unread 1
            dan <- #1 subscribed letters:1 after a0/1, delivered 0 read 0 unread 1
            1 -> 0 in letters:1 bob 1..1 away
            at 0.2s
            0 -> 1 told letters:1 presence +ann +bob(away) +cid +dan of 4
            letters:1 presence +ann +bob(away) +cid +dan of 4 -> ann
            at 1s
            0 -> 1 forgot
            1 -> 0 follow only letters:1, in letters:1 ann 0..1, in letters:1 bob 0..1 away
            disk <- load letters:1
            0 -> 1 followed 
            0 -> 1 followed letters:1 after a0/1
            cid <- connected as cid
            cid <- #1 subscribed letters:1 after a0/1, delivered 0 read 0 unread 1
            at 1.2s
            0 -> 1 told letters:1 presence +ann +bob(away) +cid of 3
            letters:1 presence +ann +bob(away) +cid of 3 -> ann
            at 2s
            1 -> 0 who is in letters:1
            0 -> 1 in letters:1 ann online since 0 on 1, bob away since 0 on 1, cid online since 0 on 1, 3 users, 3 connections
            ann <- #2 in letters:1 ann online since 0 on 1, bob away since 0 on 1, cid online since 0 on 1, 3 users, 3 connections
        "#]],
    );
}

/// Who came while envelopes were lost is told now, and nobody else.
#[test]
fn an_inbox_that_overflowed_makes_nobody_leave() {
    check_shards(
        2,
        "ann opens on=1
         bob opens
         cid opens on=1
         ann subscribes hall:3 presence #1
         bob subscribes hall:3 #1
         +1s
         bus holds
         cid subscribes hall:3 #1
         bus loses 1
         bus moves
         shard 0 overflows
         bob opens
         bob subscribes hall:3 #1
         ann waits 20s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            1 -> 0 follow hall:3
            1 -> 0 in hall:3 ann 0..1
            0 -> 1 followed hall:3 after a0/0
            ann <- #1 subscribed hall:3 after a0/0
            bob <- #1 subscribed hall:3 after a0/0
            at 0.2s
            0 -> 1 told hall:3 presence +ann +bob of 2
            hall:3 presence +ann +bob of 2 -> ann
            at 1s
            1 -> 0 in hall:3 cid 0..1
            cid <- #1 subscribed hall:3 after a0/0
            bob closed SHARD_FAILED
            bob ended after 1s
            0 -> 1 forgot
            1 -> 0 follow only hall:3, in hall:3 ann 0..1, in hall:3 cid 0..1
            0 -> 1 followed hall:3 after a0/0
            bob <- connected as bob
            bob <- #1 subscribed hall:3 after a0/0
            at 1.2s
            0 -> 1 told hall:3 presence +cid of 3
            hall:3 presence +cid of 3 -> ann
        "#]],
    );
}
