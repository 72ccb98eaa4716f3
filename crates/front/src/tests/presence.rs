//! Who is in a channel, over HTTP (R77).

use expect_test::{Expect, expect};

use super::world::{PUBLISHER, READER, World};

async fn check(path: &str, expected: Expect) {
    expected.assert_eq(&World::new().await.get(path, READER).await.text());
}

#[tokio::test]
async fn it_is_told_who_is_here_and_when_somebody_was() {
    check("/api/channels/room:den/presence", expect![[r#"200 {"users":[{"user":"ann","status":"away","since":1900000000.125,"connections":2}],"count":100,"connections":3}"#]]).await;
    check("/api/channels/room:den/presence?limit=0", expect![[r#"200 {"users":[{"user":"ann","status":"away","since":1900000000.125,"connections":2}],"count":0,"connections":3}"#]]).await;
    check("/api/channels/room:den/presence?after=bob&limit=7", expect![[r#"200 {"users":[{"user":"bob","status":"away","since":1900000000.125,"connections":2}],"count":7,"connections":3}"#]]).await;
    check("/api/channels/room:den/presence?user=bob", expect![[r#"200 {"users":[{"user":"bob","status":"away","last_seen":1899999999.5}],"count":0,"connections":3}"#]]).await;
    check("/api/channels/lobby/presence", expect![[r#"409 {"code":"NO_PRESENCE","detail":"This channel does not tell who is in it.","message":"This channel does not tell who is in it."}"#]]).await;
}

#[tokio::test]
async fn what_does_not_fit_is_told_why() {
    check("/api/channels/den/presence?limit=101", expect![[r#"400 {"code":"BAD_COMMAND","detail":"\"limit\" is from 0 to 100.","message":"\"limit\" is from 0 to 100."}"#]]).await;
    check("/api/channels/den/presence?user=a&after=b", expect![[r#"400 {"code":"BAD_COMMAND","detail":"Give \"user\" or \"after\", or neither.","message":"Give \"user\" or \"after\", or neither."}"#]]).await;
    check("/api/channels/den/presence?user=", expect![[r#"400 {"code":"BAD_COMMAND","detail":"That is not a user's id.","message":"That is not a user's id."}"#]]).await;
}

/// Threat C4: also here it needs a right of its own.
#[tokio::test]
async fn whoever_may_only_publish_is_not_told() {
    let world = World::new().await;
    assert_eq!(world.get("/api/channels/den/presence", PUBLISHER).await.status, 403);
}
