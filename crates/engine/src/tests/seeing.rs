//! Who may know who is here, and is told nothing else (C3, C4).

use expect_test::expect;

use super::check;

/// Threat C4: not one byte for whoever may not know, on any path.
#[test]
fn whoever_may_not_know_is_told_nothing_on_any_path() {
    check(
        "ann opens
         ann subscribes dark:1 presence #1
         ann subscribes dark:1 #2
         bob opens
         bob subscribes dark:1 #1
         bob shows away
         +1s
         ann asks who dark:1 #3
         ann asks who dark:1 limit 0 watch #4
         ann asks about bob in dark:1 #5
         eve opens role=stranger
         eve subscribes hall:1 presence #1
         eve subscribes hall:1 #2
         eve asks about bob in hall:1 #3
         bob subscribes hall:1 #2
         bob closes
         +16s
         ann subscribes lobby presence #6
         ann subscribes den presence #7
         ann asks who den #8
         ann asks who hall:1 watch #9",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused DENIED
            ann <- #2 subscribed dark:1 after a0/0
            bob <- connected as bob
            bob <- #1 subscribed dark:1 after a0/0
            at 1s
            ann <- #3 refused DENIED
            ann <- #4 refused DENIED
            ann <- #5 refused DENIED
            eve <- connected as eve
            eve <- #1 refused DENIED
            eve <- #2 subscribed hall:1 after a1/0
            eve <- #3 refused DENIED
            bob <- #2 subscribed hall:1 after a1/0
            bob ended after 1s
            at 17s
            ann <- #6 refused DENIED
            ann <- #7 refused NO_PRESENCE
            ann <- #8 refused NO_PRESENCE
            ann <- #9 refused NOT_SUBSCRIBED
        "#]],
    );
}

/// Threat C3: a right that a newer token has not got is lost with it.
#[test]
fn whoever_may_no_longer_know_is_no_longer_told() {
    check(
        "ann opens
         bob opens
         ann subscribes hall:1 presence #1
         +1s
         ann refreshes t2 #2
         ann proves role=stranger
         bob subscribes hall:1 #1
         +1s
         ann asks who hall:1 #3
         ann refreshes t3 #4
         ann proves role=guest
         ann asks who hall:1 limit 0 watch #5
         bob unsubscribes hall:1
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +ann of 1 -> ann
            at 1s
            verify newer t2 of ann
            ann <- refused DENIED (Your token no longer covers who is in hall:1.)
            ann <- #2 refreshed until 3600
            bob <- #1 subscribed hall:1 after a0/0
            at 2s
            ann <- #3 refused DENIED
            verify newer t3 of ann
            ann <- #4 refreshed until 3600
            ann <- #5 in hall:1 2 users, 2 connections
            at 2.2s
            hall:1 presence -bob of 1 -> ann
        "#]],
    );
}

/// A subscription that was taken up again is told nothing of it until it asks (C4).
#[test]
fn whoever_resumes_asks_again() {
    check(
        "ann opens
         bob opens
         ann resumes hall:1 a0/0 #1
         ann takes up hall:1 a0/0
         bob subscribes hall:1 #1
         +1s
         ann asks who hall:1 watch #2
         bob unsubscribes hall:1
         +1s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            ann takes up s000000…
            ann <- #1 resumed hall:1
            ann <- subscribed hall:1 after a0/0, recovered
            bob <- #1 subscribed hall:1 after a0/0
            at 1s
            ann <- #2 in hall:1 ann online since 0 on 1, bob online since 0 on 1, 2 users, 2 connections
            at 1.2s
            hall:1 presence -bob of 1 -> ann
        "#]],
    );
}

/// A new member is told nothing of what it may not know, even in the turn in which it asks.
#[test]
fn of_two_members_on_a_shard_only_the_one_that_asked_is_told() {
    check(
        "ann opens
         anns-phone opens user=ann
         bob opens chat in=hall:1
         ann subscribes hall:1 presence #1
         anns-phone subscribes hall:1 #1
         +1s
         ann unsubscribes hall:1
         anns-phone unsubscribes hall:1
         anns-phone subscribes hall:1 presence #2
         +1s
         anns-phone closes
         +20s",
        expect![[r#"
            ann <- connected as ann
            anns-phone <- connected as ann
            bob <- connected as bob
            bob held
            app <- bob connected
            ann <- #1 subscribed hall:1 after a0/0
            anns-phone <- #1 subscribed hall:1 after a0/0
            at 0.2s
            hall:1 presence +bob +ann of 2 -> ann
            at 1s
            anns-phone <- #2 subscribed hall:1 after a0/0
            at 2s
            anns-phone ended after 2s
        "#]],
    );
}
