//! Logs over HTTP: parts of them, cursors in them, and their end.

use expect_test::{Expect, expect};

use super::world::{ADMIN, PUBLISHER, READER, World};

async fn check(path: &str, expected: Expect) {
    expected.assert_eq(&World::new().await.get(path, READER).await.text());
}

#[tokio::test]
async fn a_part_of_a_log_is_read_as_it_was_written() {
    check("/api/channels/den/history?after=5&limit=2", expect![[r#"200 {"epoch":"beef","first":3,"head":7,"items":[{"offset":6,"time":1900000000.125,"user":"ann","data":["After(Offset(5))", 2, 1.0]},{"offset":7,"time":1900000000.125,"user":"ann","data":["After(Offset(5))", 2, 1.0]}]}"#]]).await;
    check("/api/channels/den%2Fhistory/history/?before=9&epoch=ab", expect![[r#"200 {"epoch":"ab","first":3,"head":7,"items":[{"offset":6,"time":1900000000.125,"user":"ann","data":["Before(Offset(9))", 100, 1.0]},{"offset":7,"time":1900000000.125,"user":"ann","data":["Before(Offset(9))", 100, 1.0]}]}"#]]).await;
    check("/api/channels/den/history?time=1.5", expect![[r#"200 {"epoch":"beef","first":3,"head":7,"items":[{"offset":6,"time":1900000000.125,"user":"ann","data":["Since(UnixMillis(1500))", 100, 1.0]},{"offset":7,"time":1900000000.125,"user":"ann","data":["Since(UnixMillis(1500))", 100, 1.0]}]}"#]]).await;
    check("/api/channels/lobby/history", expect![[r#"409 {"code":"NO_LOG","detail":"This channel keeps no log.","message":"This channel keeps no log."}"#]]).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_told_why() {
    check("/api/channels/den/history?limit=0", expect![[r#"400 {"code":"BAD_COMMAND","detail":"\"limit\" is from 1 to 1000.","message":"\"limit\" is from 1 to 1000."}"#]]).await;
    check("/api/channels/den/history?after=1&before=5", expect![[r#"400 {"code":"BAD_COMMAND","detail":"Give one of \"after\", \"before\" and \"time\", or none.","message":"Give one of \"after\", \"before\" and \"time\", or none."}"#]]).await;
    check("/api/channels/den/history?epoch=here", expect![[r#"400 {"code":"BAD_COMMAND","detail":"\"epoch\" is hexadecimal text.","message":"\"epoch\" is hexadecimal text."}"#]]).await;
    check(
        "/api/channels/den/history?limit=many",
        expect![[r#"400 {"code":"BAD_COMMAND","detail":"The query does not fit: Failed to deserialize query string: limit: invalid digit found in string.","message":"The query does not fit: Failed to deserialize query string: limit: invalid digit found in string."}"#]],
    )
    .await;
    check("/api/channels/$den/history", expect![[r#"400 {"code":"BAD_CHANNEL","detail":"That is no channel's name: names that begin with $ or @ are reserved for the gateway.","message":"That is no channel's name: names that begin with $ or @ are reserved for the gateway."}"#]]).await;
}

/// R91: what waits for somebody can be seen.
#[tokio::test]
async fn a_cursor_is_told_by_user_and_by_device() {
    check("/api/channels/user:ann/cursors/ann", expect![[r#"200 {"channel":"user:ann","user":"ann","delivered":5,"read":4,"unread":3,"undelivered":2}"#]]).await;
    check("/api/channels/user:ann/cursors/an%2Fn?device=phone", expect![[r#"200 {"channel":"user:ann","user":"an/n","delivered":6,"read":4,"unread":3,"undelivered":1}"#]]).await;
}

/// C5, D1: only an administrator's key ends a log.
#[tokio::test]
async fn a_log_is_erased_by_administrators() {
    let world = World::new().await;
    assert_eq!(world.delete("/api/channels/den", ADMIN).await.status, 204);
    assert_eq!(world.delete("/api/channels/lobby", ADMIN).await.status, 503);
    for key in [READER, PUBLISHER] {
        assert_eq!(world.delete("/api/channels/den", key).await.status, 403);
    }
    assert_eq!(world.get("/api/channels/den/history", PUBLISHER).await.status, 403);
}
