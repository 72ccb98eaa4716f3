//! Tokens end, and are replaced.

use expect_test::expect;

use super::check;

#[test]
fn the_end_of_a_token_is_announced_and_kept() {
    check(
        "ann opens for=40s
         +20s
         ann pongs
         +40s",
        expect![[r#"
            ann <- connected as ann
            at 10.1s
            ann <- expiring at 40 in 30s
            at 40.1s
            ann closed TOKEN_EXPIRED
            ann ended after 40.1s
        "#]],
    );
}

#[test]
fn a_token_that_ends_soon_is_announced_at_once() {
    check(
        "ann opens for=3s
         +4s",
        expect![[r#"
            ann <- connected as ann
            ann <- expiring at 3 in 3.1s
            at 3.1s
            ann closed TOKEN_EXPIRED
            ann ended after 3.1s
        "#]],
    );
}

/// Threat A8: ten thousand tokens that end in the same second do not end in the same instant.
#[test]
fn tokens_that_end_together_are_parted_with_one_after_another() {
    check(
        "ann opens for=3s
         bob opens for=3s
         cid opens for=3s
         +5s",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            ann <- expiring at 3 in 3.1s
            bob <- expiring at 3 in 3.2s
            cid <- expiring at 3 in 3.3s
            at 3.1s
            ann closed TOKEN_EXPIRED
            ann ended after 3.1s
            at 3.2s
            bob closed TOKEN_EXPIRED
            bob ended after 3.2s
            at 3.3s
            cid closed TOKEN_EXPIRED
            cid ended after 3.3s
        "#]],
    );
}

#[test]
fn a_newer_token_of_the_same_user_keeps_the_connection() {
    check(
        "ann opens for=40s
         +15s
         ann refreshes newer #1
         ann refreshes newest #2
         ann proves for=100s
         +15s
         ann pongs
         +20s
         ann refreshes third #3
         ann fails to prove
         +15s
         ann pongs
         +20s
         ann pongs
         +24s
         ann pongs
         +20s",
        expect![[r#"
            ann <- connected as ann
            at 10.1s
            ann <- expiring at 40 in 30s
            at 15s
            verify newer newer of ann
            ann <- #2 refused BUSY (A refresh is under way already.)
            ann <- #1 refreshed until 100
            at 50s
            verify newer third of ann
            ann <- #3 refused INVALID_TOKEN
            at 85.1s
            ann <- expiring at 100 in 30s
            at 115.1s
            ann closed TOKEN_EXPIRED
            ann ended after 115.1s
        "#]],
    );
}

#[test]
fn a_token_of_another_user_ends_the_connection() {
    check(
        "ann opens
         ann refreshes other #1
         ann proves user=bob
         cid opens anonymous
         cid refreshes some #1
         cid proves user=cid",
        expect![[r#"
            ann <- connected as ann
            verify newer other of ann
            ann closed FORBIDDEN (The token is another user's.)
            ann ended after 0s
            cid <- connected as nobody
            verify newer some of cid
            cid closed FORBIDDEN (The token is another user's.)
            cid ended after 0s
        "#]],
    );
}

/// Threat C3: what a token allowed ends with it.
#[test]
fn a_newer_token_that_allows_less_takes_away_seats() {
    check(
        "ann opens role=staff in=staff:route
         ann subscribes staff:1 #1
         ann subscribes den #2
         bob opens role=staff
         bob subscribes staff:1 #1
         ann refreshes newer #3
         ann proves role=guest
         front publishes staff:1 secret
         front publishes staff:route given
         front publishes den open
         ann subscribes staff:1 #4
         ann publishes staff:1 hm #5",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 subscribed staff:1 after a1/0
            ann <- #2 subscribed den after a2/0
            bob <- connected as bob
            bob <- #1 subscribed staff:1 after a1/0
            verify newer newer of ann
            ann <- refused DENIED (Your token no longer covers staff:1; you have left it.)
            ann <- #3 refreshed until 3600
            front 7 <- placed a1/1
            staff:1 1 secret -> bob
            front 7 <- placed a0/1
            staff:route 1 given -> ann
            front 7 <- placed a2/1
            den 1 open -> ann
            ann <- #4 refused DENIED
            ann <- #5 refused DENIED
        "#]],
    );
}

/// R24: what a client was subscribed to is handed on with its end; what the route joined is not,
/// because it will again.
#[test]
fn an_end_tells_what_was_left() {
    check(
        "ann opens session=7 in=lobby
         ann subscribes den #1
         bob opens session=8 resumed
         bob publishes den hi #2
         ann closes
         bob closes
         cid opens awaiting
         cid connects good #3
         cid proves session=9 resumed",
        expect![[r#"
            ann <- connected as ann, session 7
            ann <- #1 subscribed den after a1/0
            bob <- connected as bob, session 8 again
            bob <- #2 published den a1/1
            den 1 hi from bob -> ann
            ann ended after 0s, leaving den a1/1
            bob ended after 0s, leaving
            verify good of cid
            cid <- #3 connected as cid, session 9 again
        "#]],
    );
}
