//! What the HTTP side asks.

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn the_front_publishes_and_describes() {
    check(
        "front describes den
         ann opens
         ann subscribes den #1
         bob opens plain in=den
         front publishes den hi
         front describes den",
        expect![[r#"
            front 7 <- 0 members, head unknown
            ann <- connected as ann
            ann <- #1 subscribed den after a0/0
            bob <- connected as bob
            front 7 <- placed a0/1
            den 1 hi -> ann bob
            front 7 <- 2 members, head a0/1
        "#]],
    );
}

#[test]
fn connections_are_ended_by_user_and_by_name() {
    check(
        "ann opens
         anns-phone opens user=ann
         bob opens
         cid opens anonymous
         front disconnects user ann
         front disconnects user ann
         front disconnects conn bob
         front disconnects conn bob
         cid pings #1",
        expect![[r#"
            ann <- connected as ann
            anns-phone <- connected as ann
            bob <- connected as bob
            cid <- connected as nobody
            ann closed DISCONNECTED
            ann ended after 0s
            anns-phone closed DISCONNECTED
            anns-phone ended after 0s
            front 7 <- disconnected 2
            front 7 <- disconnected 0
            bob closed DISCONNECTED
            bob ended after 0s
            front 7 <- disconnected 1
            front 7 <- disconnected 0
            cid <- #1 pong
        "#]],
    );
}

#[test]
fn every_shard_sings() {
    check_shards(
        3,
        "front looses tweet on=1",
        expect![[r#"
        1 -> 0 canary tweet
        1 -> 1 canary tweet
        1 -> 2 canary tweet
        0 sings tweet
        1 sings tweet
        2 sings tweet
    "#]],
    );
}

/// Threat A9: by the token's own id, and by when it was issued. Who does not say when counts as
/// older; who showed no token is not meant.
#[test]
fn connections_are_ended_by_what_their_tokens_say() {
    check(
        "ann opens jti=a iat=5
         anns-phone opens user=ann jti=b iat=9
         bob opens jti=c iat=5
         cid opens
         dan opens anonymous
         front disconnects token c
         front disconnects before 9 ann
         front disconnects before 5
         front disconnects before 10
         dan pings #1",
        expect![[r#"
            ann <- connected as ann
            anns-phone <- connected as ann
            bob <- connected as bob
            cid <- connected as cid
            dan <- connected as nobody
            bob closed TOKEN_REVOKED
            bob ended after 0s
            front 7 <- disconnected 1
            ann closed TOKEN_REVOKED
            ann ended after 0s
            front 7 <- disconnected 1
            cid closed TOKEN_REVOKED
            cid ended after 0s
            front 7 <- disconnected 1
            anns-phone closed TOKEN_REVOKED
            anns-phone ended after 0s
            front 7 <- disconnected 1
            dan <- #1 pong
        "#]],
    );
}
