//! What a backend asks, and what comes of it.

use std::sync::atomic::Ordering::SeqCst;

use expect_test::{Expect, expect};

use super::world::{PUBLISHER, READER, World};

async fn check_post(world: &World, path: &str, body: &str, expected: Expect) {
    expected.assert_eq(&world.post(path, PUBLISHER, body).await.text());
}

#[tokio::test]
async fn a_message_is_published_as_it_was_written() {
    let world = World::new().await;
    let body =
        r#"{"channel":"den","data": {"a" :1.0e2,"big":12345678901234567890123, "é":"\u00e9"}}"#;
    check_post(&world, "/api/publish", body, expect![[r#"200 {"epoch":"beef","offset":1}"#]]).await;
    check_post(
        &world,
        "/api/publish/",
        r#"{"channel":"den","data":null}"#,
        expect![[r#"200 {"epoch":"beef","offset":2}"#]],
    )
    .await;
    let posts = world.gateway.posts.lock().unwrap();
    assert_eq!(&*posts[0].payload, r#"{"a" :1.0e2,"big":12345678901234567890123, "é":"\u00e9"}"#);
    assert_eq!(&*posts[1].payload, "null");
    assert_eq!((posts[0].channel.as_str(), &posts[0].from), ("den", &None));
}

#[tokio::test]
async fn what_cannot_be_published_is_told_why() {
    let world = World::new().await;
    let deep = format!(r#"{{"channel":"den","data":{}1{}}}"#, "[".repeat(65), "]".repeat(65));
    let many = format!(r#"{{"channels":[{}"a"],"data":1}}"#, r#""a","#.repeat(100));
    let publish = "/api/publish";
    for (path, body, expected) in [
        (
            publish,
            r#"{"channel":"$canary","data":1}"#,
            expect![[
                r#"400 {"code":"BAD_CHANNEL","detail":"That is no channel's name: names that begin with $ or @ are reserved for the gateway.","message":"That is no channel's name: names that begin with $ or @ are reserved for the gateway."}"#
            ]],
        ),
        (
            publish,
            r#"{"channel":"","data":1}"#,
            expect![[
                r#"400 {"code":"BAD_CHANNEL","detail":"That is no channel's name: a channel name has at least one character.","message":"That is no channel's name: a channel name has at least one character."}"#
            ]],
        ),
        (
            publish,
            r#"{"channel":"den"}"#,
            expect![[
                r#"400 {"code":"BAD_COMMAND","detail":"The body does not fit: missing field `data` at line 1 column 17.","message":"The body does not fit: missing field `data` at line 1 column 17."}"#
            ]],
        ),
        (
            publish,
            r#"{"channel":"den","data":1,"user":"ann"}"#,
            expect![[
                r#"400 {"code":"BAD_COMMAND","detail":"The body does not fit: unknown field `user`, expected one of `channel`, `data`, `event`, `idempotency_key` at line 1 column 32.","message":"The body does not fit: unknown field `user`, expected one of `channel`, `data`, `event`, `idempotency_key` at line 1 column 32."}"#
            ]],
        ),
        (
            publish,
            r#"{"channel":"den","data":"#,
            expect![[
                r#"400 {"code":"INVALID_JSON","detail":"The body does not fit: EOF while parsing a value at line 1 column 24.","message":"The body does not fit: EOF while parsing a value at line 1 column 24."}"#
            ]],
        ),
        (
            publish,
            &deep,
            expect![[
                r#"400 {"code":"BAD_COMMAND","detail":"\"data\" is nested too deeply.","message":"\"data\" is nested too deeply."}"#
            ]],
        ),
        (
            "/api/broadcast",
            &many,
            expect![[
                r#"400 {"code":"BAD_COMMAND","detail":"\"channels\" has 1 to 100 names.","message":"\"channels\" has 1 to 100 names."}"#
            ]],
        ),
        (
            "/api/broadcast",
            r#"{"channels":[],"data":1}"#,
            expect![[
                r#"400 {"code":"BAD_COMMAND","detail":"\"channels\" has 1 to 100 names.","message":"\"channels\" has 1 to 100 names."}"#
            ]],
        ),
    ] {
        check_post(&world, path, body, expected).await;
    }
    assert!(world.gateway.posts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_busy_shard_is_told_with_a_wait() {
    let world = World::new().await;
    world.gateway.is_busy.store(true, SeqCst);
    let answer = world.post("/api/publish", PUBLISHER, r#"{"channel":"den","data":1}"#).await;
    expect![[r#"503 {"code":"BUSY","detail":"The server is too busy for this at the moment.","details":{"retry_after":1.5},"message":"The server is too busy for this at the moment."}"#]]
        .assert_eq(&answer.text());
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_bad_channel_does_not_keep_a_broadcast_from_the_others() {
    let world = World::new().await;
    let answer = world
        .post("/api/broadcast", PUBLISHER, r#"{"channels":["a","@b","c"],"data":{"n":1}}"#)
        .await;
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let results = body["results"].as_array().unwrap();
    let channels: Vec<_> = results.iter().map(|it| it["channel"].as_str().unwrap()).collect();
    assert_eq!((answer.status, channels), (200, vec!["a", "@b", "c"]));
    assert!(results[0]["result"]["offset"].is_u64() && results[0].get("error").is_none());
    assert_eq!(results[1]["error"]["code"], "BAD_CHANNEL");
    assert!(results[2]["result"]["offset"].is_u64());
    let mut channels: Vec<_> =
        world.gateway.posts.lock().unwrap().iter().map(|it| it.channel.to_string()).collect();
    channels.sort_unstable();
    assert_eq!(channels, ["a", "c"]);
}

#[tokio::test]
async fn a_channel_is_described() {
    let world = World::new().await;
    for path in ["/api/channels/den/a:b", "/api/channels/den%2Fa%3Ab"] {
        let answer = world.get(path, READER).await;
        expect![[r#"200 {"channel":"den/a:b","members":3,"epoch":"beef","offset":7}"#]]
            .assert_eq(&answer.text());
    }
    let answer = world.get("/api/channels/unused", READER).await;
    expect![[r#"200 {"channel":"unused","members":0,"epoch":null,"offset":null}"#]]
        .assert_eq(&answer.text());
    for path in ["/api/channels/$canary", "/api/channels/a%20b", "/api/channels/%ff"] {
        assert_eq!(world.get(path, READER).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn connections_are_ended_with_a_code_and_a_reason() {
    let world = World::new().await;
    let path = "/api/disconnect";
    check_post(&world, path, r#"{"user":"7"}"#, expect![[r#"200 {"disconnected":2}"#]]).await;
    let body = r#"{"connection":"0:c1.2","code":"SESSION_EXPIRED","reason":"Signed out."}"#;
    check_post(&world, path, body, expect![[r#"200 {"disconnected":2}"#]]).await;
    expect![[r#"
        [
            (
                User(
                    "7",
                ),
                Refusal {
                    code: DISCONNECTED,
                    message: None,
                    retry_after: None,
                },
            ),
            (
                Connection(
                    "0:c1.2",
                ),
                Refusal {
                    code: SESSION_EXPIRED,
                    message: Some(
                        "Signed out.",
                    ),
                    retry_after: None,
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&world.gateway.disconnects.lock().unwrap());
    let long = format!(r#"{{"user":"7","reason":"{}"}}"#, "x".repeat(124));
    for body in [
        "{}",
        r#"{"user":"7","connection":"0:c1.2"}"#,
        r#"{"user":""}"#,
        r#"{"user":"7","code":"TOO_FAST"}"#,
        r#"{"user":"7","code":"NO_SUCH"}"#,
        &long,
    ] {
        assert_eq!(world.post(path, PUBLISHER, body).await.code(), "BAD_COMMAND", "{body}");
    }
}
