//! HTTP: R54, R43, and who is removed.

use app::{Action, App as _};
use serde_json::{Value, json};

use super::world::{World, token, visitor};

async fn den(world: &World) {
    for user in ["ann", "bob", "cay"] {
        world.comes(user).await;
    }
    let made = r#"{"name":"den","type":"PRIVATE","memberIds":["bob"]}"#;
    world.say("ann", "channel:create", made).await;
    for index in 1..=5 {
        let said = format!(r#"{{"channelId":"1","content":"m{index}"}}"#);
        world.say("ann", "message:send", &said).await;
    }
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap();
    messages.iter().map(|it| it["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn nothing_is_shown_without_a_token() {
    let world = World::new();
    for path in [
        "/api/chat/channels",
        "/api/chat/channels/1/",
        "/api/chat/channels/1/members",
        "/api/chat/channels/1/messages",
        "/api/chat/messages/1/replies",
        "/api/chat/users",
    ] {
        let (status, body) = world.http_with("GET", path, None, None).await;
        assert_eq!((status, &body["code"]), (401, &json!("AUTH_REQUIRED")), "{path}");
        let (status, body) = world.http_with("GET", path, Some("no token"), None).await;
        assert_eq!((status, &body["code"]), (401, &json!("INVALID_TOKEN")), "{path}");
    }
}

#[tokio::test]
async fn the_systems_monitoring_finds_what_it_asks_for() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("ann").await;
    let (status, body) = world.http_with("GET", "/chat-test", None, None).await;
    assert_eq!(status, 200);
    let expected = json!({
        "status": "success", "message": "WebSocket server is running", "connections": 2,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn channels_are_ones_own_or_those_one_could_join() {
    let world = World::new();
    den(&world).await;
    world.say("cay", "channel:create", r#"{"name":"quay"}"#).await;
    world.say("bob", "channel:create", r#"{"type":"DM","memberIds":["ann"]}"#).await;
    let names = |body: &Value| {
        let channels = body["channels"].as_array().unwrap();
        channels.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (_, body) = world.http("GET", "/api/chat/channels", "bob").await;
    assert_eq!(names(&body), ["den", ""]);
    assert_eq!(body["channels"][0]["role"], "MEMBER");
    assert_eq!(body["channels"][1]["with"]["name"], "Ann");
    let (_, body) = world.http("GET", "/api/chat/channels?scope=public", "bob").await;
    assert_eq!(names(&body), ["quay"]);
    let (status, body) = world.http("GET", "/api/chat/channels/1", "ann").await;
    assert_eq!((status, &body["role"]), (200, &json!("OWNER")));
}

#[tokio::test]
async fn members_come_with_their_roles_and_presence() {
    let world = World::new();
    den(&world).await;
    world.goes("bob").await;
    let (status, body) = world.http("GET", "/api/chat/channels/1/members", "ann").await;
    assert_eq!(status, 200);
    let members = body["members"].as_array().unwrap();
    let shown = |it: &Value| format!("{} {} {}", it["name"], it["role"], it["isOnline"]);
    let shown: Vec<String> = members.iter().map(shown).collect();
    assert_eq!(shown, [r#""Ann" "OWNER" true"#, r#""Bob" "MEMBER" false"#]);
    assert!(members[1]["lastSeenAt"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn messages_are_paged_both_ways() {
    let world = World::new();
    den(&world).await;
    world.say("bob", "thread:reply", r#"{"threadId":"2","content":"re"}"#).await;
    let page = "/api/chat/channels/1/messages";
    for (query, expected, has_more) in [
        ("", vec!["m1", "m2", "m3", "m4", "m5"], false),
        ("?limit=2", vec!["m4", "m5"], true),
        ("?limit=2&before=4", vec!["m2", "m3"], true),
        ("?limit=2&before=2", vec!["m1"], false),
        ("?limit=2&after=0", vec!["m1", "m2"], true),
        ("?limit=2&after=4", vec!["m5"], false),
        ("?limit=-3", vec!["m5"], true),
    ] {
        let (status, body) = world.http("GET", &format!("{page}{query}"), "bob").await;
        assert_eq!(status, 200);
        assert_eq!((contents(&body), &body["hasMore"]), (expected, &json!(has_more)), "{query}");
    }
    let (_, body) = world.http("GET", "/api/chat/messages/2/replies", "ann").await;
    assert_eq!(contents(&body), ["re"]);
    let (status, body) = world.http("GET", &format!("{page}?limit=x"), "bob").await;
    assert_eq!(status, 400, "{body}");
}

/// Not to be told apart from what is not there.
#[tokio::test]
async fn others_are_shown_nothing_of_a_private_channel() {
    let world = World::new();
    den(&world).await;
    for path in ["channels/1", "channels/1/members", "channels/1/messages", "messages/1/replies"] {
        let (status, hidden) = world.http("GET", &format!("/api/chat/{path}"), "cay").await;
        let elsewhere = format!("/api/chat/{}", path.replace('1', "99"));
        let absent = world.http("GET", &elsewhere, "cay").await;
        assert_eq!((403, &hidden), (status, &absent.1), "{path}");
        assert_eq!(hidden["message"], "Access denied to channel");
    }
    let (status, _) = world.http("GET", "/api/chat/channels/x", "cay").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn people_are_found_by_their_names() {
    let world = World::new();
    den(&world).await;
    world.goes("cay").await;
    let names = |body: &Value| {
        let users = body["users"].as_array().unwrap().iter();
        users.map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let found = |q: &'static str| world.http("GET", q, "ann");
    assert_eq!(names(&found("/api/chat/users").await.1), ["Ann", "Bob", "Cay"]);
    assert_eq!(names(&found("/api/chat/users?q=BO").await.1), ["Bob"]);
    let (_, cay) = found("/api/chat/users?search=cay").await;
    assert_eq!(
        (&cay["users"][0]["isOnline"], names(&cay)),
        (&json!(false), vec!["Cay".to_owned()])
    );
    for nobody in ["/api/chat/users?q=%25", "/api/chat/users?q=_", "/api/chat/users?q=%5C"] {
        assert!(names(&found(nobody).await.1).is_empty(), "{nobody}");
    }
    let long = format!("/api/chat/users?q={}", "x".repeat(101));
    assert_eq!(world.http("GET", &long, "ann").await.0, 400);
}

#[tokio::test]
async fn a_channel_made_over_http_is_told_to_its_members() {
    let world = World::new();
    for user in ["ann", "bob"] {
        world.comes(user).await;
    }
    let make = |body: Value| async {
        world.http_with("POST", "/api/chat/channels", Some(&token("ann")), Some(body)).await
    };
    let (status, body) = make(json!({ "name": "den", "memberIds": ["bob"] })).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!((&body["success"], &body["data"]["id"]), (&json!(true), &json!("1")));
    let posts = world.gateway.posts();
    for audience in ["chat:channel:1", "chat:user:ann", "chat:user:bob"] {
        let told = format!("publish channel:created to {audience} ");
        assert_eq!(posts.matches(&told).count(), 1, "{audience}: {posts}");
    }
    // What she says is heard by both; her socket has not been seated, and hears it by name.
    let said = world.say("ann", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    assert!(said.contains("message:created to chat:user:ann"), "{said}");

    let (status, body) = make(json!({ "name": " " })).await;
    assert_eq!((status, &body["message"]), (400, &json!("name is required")));
    let (status, _) = make(json!({ "name": "x".repeat(40_000) })).await;
    assert_eq!(status, 413);
}

/// R127's removed user: out at once, and out they stay until they are taken back.
#[tokio::test]
async fn whoever_was_removed_stays_out() {
    let world = World::new();
    den(&world).await;
    let (status, _) = world.http("DELETE", "/api/chat/users/ann", "bob").await;
    assert_eq!(status, 403);
    let (status, _) = world.http("DELETE", "/api/chat/users/nobody", "ann").await;
    assert_eq!(status, 404);
    let (status, _) = world.http("DELETE", "/api/chat/users/bob", "ann").await;
    assert_eq!(status, 204);
    assert_eq!(world.gateway.ended(), ["bob AUTH_FAILED"]);

    let refusal = world.admit("bob", None).await.unwrap_err();
    assert_eq!(refusal.message(), "This user was removed.");
    let (status, body) = world.http("GET", "/api/chat/channels", "bob").await;
    assert_eq!((status, &body["code"]), (401, &json!("AUTH_FAILED")));
    // A socket of theirs that has not closed yet.
    let said = world.say("bob", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    assert!(said.contains("User not authenticated"), "{said}");
    let (_, found) = world.http("GET", "/api/chat/users?q=bob", "ann").await;
    assert_eq!(found["users"], json!([]));
    // Another that was admitted before.
    let actions = world.chat.connected(&visitor("bob")).await;
    assert!(matches!(&actions[..], [Action::Close(why)] if *why == refusal), "{actions:?}");
    world.goes("bob").await;

    let (status, _) = world.http("POST", "/api/chat/users/bob/restore", "ann").await;
    assert_eq!(status, 204);
    world.admit("bob", None).await.unwrap();
}

#[tokio::test]
async fn the_page_is_there_with_what_it_loads() {
    let world = World::new();
    for path in ["/chat", "/chat/", "/chat/page.js", "/chat/socket.js", "/chat/page.css"] {
        let (status, body) = world.http_with("GET", path, None, None).await;
        assert_eq!(status, 200, "{path}");
        assert!(!body.as_str().unwrap().is_empty(), "{path}");
    }
}
