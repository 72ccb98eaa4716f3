//! The application as the gateway calls it: R4, R43, R74 to R77.

use app::{App as _, Visitor};
use expect_test::expect;
use proto::{ChannelName, Code};

use super::world::{World, told, visitor};

#[tokio::test]
async fn whoever_comes_is_told_their_channels_and_joins_them() {
    let world = World::new();
    expect![[r#"
        join chat:user:ann
        join chat:all
        reply connection:starting [{"userId":"ann"}]
        reply connection:success [{"channels":[],"userId":"ann"}]
        reply connection:ready [{"channels":[],"timestamp":"now","userId":"ann"}]
        publish user:online to chat:all except ann {"user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"}
        publish presence:update to chat:all except ann {"isOnline":true,"userId":"ann"}
    "#]]
    .assert_eq(&world.comes("ann").await);
    world.say("ann", "channel:create", r#"{"name":"den"}"#).await;
    let again = world.comes("ann").await;
    expect![[r#"
        join chat:user:ann
        join chat:all
        join chat:channel:1
        reply connection:starting [{"userId":"ann"}]
        reply connection:success [{"channels":["1"],"userId":"ann"}]
        reply connection:ready [{"channels":["1"],"timestamp":"now","userId":"ann"}]
    "#]]
    .assert_eq(&again);
    assert_eq!(world.goes("ann").await, "", "another socket of hers is here");
    assert!(world.goes("ann").await.contains("publish user:offline to chat:all except ann"));
}

/// R4: the client says who it is, the token proves it.
#[tokio::test]
async fn a_user_id_must_be_the_tokens() {
    let world = World::new();
    for fit in [None, Some("{}"), Some(r#"{"userId":"ann"}"#), Some(r#"{"userId":null}"#)] {
        world.admit("ann", fit).await.unwrap();
    }
    for unfit in [r#"{"userId":"bob"}"#, r#"{"userId":7}"#, r#"{"userId":["ann"]}"#] {
        let refusal = world.admit("ann", Some(unfit)).await.unwrap_err();
        assert_eq!(refusal.code, Code::AuthFailed, "{unfit}");
        assert_eq!(refusal.message(), "User ID mismatch.");
    }
    let mut nobody = visitor("ann");
    nobody.identity = None;
    assert_eq!(world.chat.admit(&nobody).await.unwrap_err().code, Code::AuthRequired);
    assert_eq!(world.admit("a:b", None).await.unwrap_err().code, Code::AuthFailed);
}

#[tokio::test]
async fn the_sender_hears_first_then_the_room() {
    let world = World::new();
    world.comes("ann").await;
    world.say("ann", "channel:create", r#"{"name":"den"}"#).await;
    let said = r#"{"channelId":"1","content":"hello","tempId":"t1"}"#;
    expect![[r#"
        reply message:delivered [{"messageId":"1","processed":true,"status":"DELIVERED","tempId":"t1"}]
        reply message:sent [{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"now","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"now","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"}]
        publish message:created to chat:channel:1 {"message":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"now","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"now","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"tempId":"t1"}
        answer 7 [{"data":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"now","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"now","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"success":true}]
    "#]]
    .assert_eq(&world.say("ann", "message:send", said).await);
    let again = world.say("ann", "message:send", said).await;
    assert!(!again.contains("publish"), "said twice, told once: {again}");
    assert!(again.contains("answer 7") && again.contains(r#""success":true"#), "{again}");
}

/// What came to nothing is answered too; whoever awaits no answer hears an `error`.
#[tokio::test]
async fn every_event_is_answered() {
    let world = World::new();
    world.comes("ann").await;
    for (event, values, error) in [
        ("message:send", r#"[{"channelId":"9","content":"x"}]"#, "Access denied to channel"),
        ("channel:join", "[]", "channelId is required"),
        ("thread:join", r#"[{"threadId":"9"}]"#, "Message not found"),
        ("fly", "[]", "Unknown event"),
        ("fly", "[1,2,3]", "Unknown event"),
        ("channel:join", r#"[{"_placeholder":true,"num":0}]"#, "channelId is required"),
    ] {
        let answer = told(&world.say_with("ann", event, values, Some(3)).await);
        let failure = format!(r#"answer 3 [{{"error":"{error}","success":false}}]"#);
        assert!(answer.contains(&failure), "{event} {values}: {answer}");
        let silent = told(&world.say_with("ann", event, values, None).await);
        assert!(silent.contains(r#"reply error [{"code":"BAD_COMMAND""#), "{event}: {silent}");
        assert!(!silent.contains("answer"));
    }
    let deep = format!("[{}1{}]", "[".repeat(200), "]".repeat(200));
    let answer = told(&world.say_with("ann", "fly", &deep, Some(4)).await);
    assert!(answer.contains(r#"answer 4 [{"error":"This is nested too deeply.""#), "{answer}");
    let text = app::Message::Text("hello".into());
    let answer = told(&world.chat.message(&visitor("ann"), text).await);
    assert!(answer.contains("Send events."), "{answer}");
}

/// A socket that is not being answered cannot be seated: it hears the room under its user's name.
#[tokio::test]
async fn whoever_is_made_a_member_hears_the_channel_at_once_and_once() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("bob").await;
    let made = r#"{"name":"den","type":"PRIVATE","memberIds":["bob"]}"#;
    let made = world.say("ann", "channel:create", made).await;
    assert!(made.starts_with("join chat:channel:1\n"), "{made}");
    let audiences = |told: &str, event: &str| {
        let of = |line: &str| {
            let (_, to) = line.split_once(&format!(" {event} to "))?;
            Some(to.split(" {").next().unwrap().to_owned())
        };
        told.lines().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(audiences(&made, "channel:created"), ["chat:channel:1", "chat:user:bob"]);

    let second = world.comes("bob").await;
    assert!(!second.contains("join chat:channel:1"), "he would hear it twice: {second}");
    let said = world.say("ann", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    assert_eq!(audiences(&said, "message:created"), ["chat:channel:1", "chat:user:bob"]);
    let typed = world.say("bob", "typing:start", r#"{"channelId":"1"}"#).await;
    assert_eq!(audiences(&typed, "user:typing"), ["chat:channel:1 except bob"]);

    world.goes("bob").await;
    world.goes("bob").await;
    let third = world.comes("bob").await;
    assert!(third.contains("join chat:channel:1"), "{third}");
    let said = world.say("ann", "message:send", r#"{"channelId":"1","content":"y"}"#).await;
    assert_eq!(audiences(&said, "message:created"), ["chat:channel:1"]);
}

#[tokio::test]
async fn a_lone_socket_leaves_a_room_that_reached_it_by_name() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("bob").await;
    world.say("ann", "channel:create", r#"{"name":"den","memberIds":["bob"]}"#).await;
    world.say("bob", "channel:leave", r#"{"channelId":"1"}"#).await;
    let said = world.say("ann", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    assert!(!said.contains("chat:user:bob"), "{said}");
    let back = world.say("bob", "channel:join", r#"{"channelId":"1"}"#).await;
    assert!(back.starts_with("join chat:channel:1\n"), "{back}");
    let left = world.say("bob", "channel:leave", r#"{"channelId":"1"}"#).await;
    assert!(left.starts_with("leave chat:channel:1\n"), "{left}");
    let again = world.say("ann", "channel:created", r#"{"channelId":"1"}"#).await;
    assert!(again.contains("chat:user:bob"), "he is brought in once more: {again}");
}

/// R16: no way into a private channel, its messages or its threads.
#[tokio::test]
async fn a_private_channel_is_closed_to_others() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("bob").await;
    world.say("ann", "channel:create", r#"{"name":"den","type":"PRIVATE"}"#).await;
    world.say("ann", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    for (event, value) in [
        ("channel:join", r#"{"channelId":"1"}"#),
        ("thread:join", r#"{"threadId":"1","channelId":"1"}"#),
        ("message:send", r#"{"channelId":"1","content":"x"}"#),
        ("typing:start", r#"{"channelId":"1"}"#),
        ("reaction:add", r#"{"messageId":"1","type":"x"}"#),
    ] {
        let told = world.say("bob", event, value).await;
        assert!(told.contains(r#""success":false"#), "{event}: {told}");
        assert!(!told.contains("join") && !told.contains("publish"), "{event}: {told}");
    }
}

/// R76: five seconds after the last word of it, by the clock and by nobody's doing.
#[tokio::test]
async fn typing_ends_by_itself() {
    let world = World::new();
    world.comes("ann").await;
    world.say("ann", "channel:create", r#"{"name":"den"}"#).await;
    let told = world.say("ann", "typing:start", r#"{"channelId":"1"}"#).await;
    assert_eq!(told.matches("signal").count(), 3, "{told}");
    // Nobody told the clock of the test that this happens: it is the real one.
    let over = world.gateway.when_posted(3).await;
    expect![[r#"
        signal user:typing to chat:channel:1 {"channelId":"1","isTyping":false,"timestamp":"now","typingUser":{"channelId":"1","timestamp":"now","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
        signal typing:stop to chat:channel:1 {"channelId":"1","isTyping":false,"timestamp":"now","typingUser":{"channelId":"1","timestamp":"now","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
        signal message:typing:stop to chat:channel:1 {"channelId":"1","isTyping":false,"timestamp":"now","typingUser":{"channelId":"1","timestamp":"now","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
    "#]]
    .assert_eq(&over);
}

/// R74: in order, the first that were missed first, until the client says that they have come.
#[tokio::test]
async fn what_was_missed_comes_with_the_next_socket() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("bob").await;
    world.say("ann", "channel:create", r#"{"name":"den","memberIds":["bob"]}"#).await;
    world.goes("bob").await;
    for text in ["one", "two"] {
        let said = format!(r#"{{"channelId":"1","content":"{text}"}}"#);
        world.say("ann", "message:send", &said).await;
    }
    world.say("ann", "thread:reply", r#"{"threadId":"1","content":"re"}"#).await;
    let contents = |told: &str| {
        let told = told.lines().filter(|it| it.contains(r#""tempId":null"#));
        let text = |it: &str| it.split(r#""content":""#).nth(1).unwrap()[..3].to_owned();
        told.map(text).collect::<Vec<_>>()
    };
    let back = world.comes("bob").await;
    assert!(back.contains(r#"reply message:offline [{"count":3,"processed":true}]"#), "{back}");
    assert_eq!(contents(&back), ["one", "two", "re\""]);
    assert!(back.contains("reply thread:reply:created"), "{back}");

    world.say("bob", "message:received", r#"{"messageId":"1"}"#).await;
    world.say("bob", "message:read", r#"{"messageId":"3"}"#).await;
    let again = world.comes("bob").await;
    assert_eq!(contents(&again), ["two"]);
    world.say("bob", "message:received", r#"{"messageId":"2"}"#).await;
    assert!(!world.comes("bob").await.contains("message:offline"));
}

/// What was said before somebody came into a channel is history, and was not missed.
#[tokio::test]
async fn nobody_missed_what_was_said_before_they_were_a_member() {
    let world = World::new();
    world.comes("ann").await;
    world.say("ann", "channel:create", r#"{"name":"den"}"#).await;
    world.say("ann", "message:send", r#"{"channelId":"1","content":"x"}"#).await;
    world.comes("bob").await;
    world.say("bob", "channel:join", r#"{"channelId":"1"}"#).await;
    assert!(!world.comes("bob").await.contains("message:offline"));
}

/// However much was missed, it fits the socket several times over.
#[tokio::test]
async fn a_long_absence_is_told_in_part() {
    let world = World::new();
    world.comes("ann").await;
    world.comes("bob").await;
    world.say("ann", "channel:create", r#"{"name":"den","memberIds":["bob"]}"#).await;
    world.goes("bob").await;
    let long = "x".repeat(4000);
    for _ in 0..40 {
        let said = format!(r#"{{"channelId":"1","content":"{long}"}}"#);
        world.say("ann", "message:send", &said).await;
    }
    let back = world.comes("bob").await;
    assert!(back.contains(r#""count":40"#));
    assert!(back.matches("reply message:created").count() < 32);
    assert!(back.len() < 160 * 1024, "{}", back.len());
}

#[tokio::test]
async fn a_refusal_of_the_gateways_is_an_error_event_or_a_failed_acknowledgement() {
    let world = World::new();
    let (name, values) = world.chat.exception(&Code::TooFast.into()).unwrap();
    assert_eq!(&*name, "error");
    let told = r#"[{"code":"TOO_FAST","message":"Too many messages.","status":"error"}]"#;
    assert_eq!(&*values.json, told);
    let answer = world.chat.failure(&Code::TooFast.into()).unwrap();
    let told = r#"[{"code":"TOO_FAST","error":"Too many messages.","success":false}]"#;
    assert_eq!(&*answer.json, told);
}

#[tokio::test]
async fn with_dev_there_are_people_and_a_channel() {
    let world = World::seeded();
    let names: Vec<_> = world.chat.people().into_iter().map(|it| it.username).collect();
    assert_eq!(names, ["ann", "bob", "cay", "dee"]);
    let told = world.comes("user_bob").await;
    assert!(told.contains(r#""channels":["1","2"]"#), "{told}");
    assert!(World::new().chat.people().is_empty());
}

/// In the rooms that are still its user's, and only if it misses nothing and hears nothing twice.
#[tokio::test]
async fn a_socket_goes_on_in_the_rooms_that_are_still_its_own() {
    let world = World::new();
    let names = |all: &[&str]| -> Vec<ChannelName> {
        all.iter().map(|it| ChannelName::parse(it).unwrap()).collect()
    };
    let returned = async |user: &str, all: &[&str]| {
        let rooms = world.chat.returned(&visitor(user), names(all)).await?;
        Some(rooms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    world.comes("ann").await;
    world.say("ann", "channel:create", r#"{"name":"den"}"#).await;
    world.say("ann", "message:send", r#"{"channelId":"1","content":"hello"}"#).await;
    world.goes("ann").await;

    let rooms = ["chat:user:ann", "chat:all", "chat:channel:1", "chat:thread:1"];
    assert_eq!(returned("ann", &rooms).await, Some(rooms.join(" ")));
    let more = [&rooms[..], &["chat:channel:2", "chat:thread:2", "chat:user:bob", "den"]].concat();
    assert_eq!(returned("ann", &more).await, Some(rooms.join(" ")), "no more than is hers");
    // She would miss what is said in a channel of hers in which the socket did not sit.
    assert_eq!(returned("ann", &rooms[..2]).await, None);
    assert_eq!(returned("ann", &rooms[1..]).await, None);

    let visitor = Visitor { recovered: Some(names(&rooms).into()), ..visitor("ann") };
    let greeted = told(&world.chat.connected(&visitor).await);
    assert!(greeted.contains("connection:success") && !greeted.contains("message:offline"));

    // A member who was brought in by somebody else is reached by name, and not in the room.
    world.comes("bob").await;
    world.say("ann", "channel:create", r#"{"name":"pier","memberIds":["bob"]}"#).await;
    let own = ["chat:user:bob", "chat:all"];
    assert_eq!(returned("bob", &own).await, Some(own.join(" ")));
    assert_eq!(returned("bob", &[&own[..], &["chat:channel:2"]].concat()).await, None, "twice");
    world.goes("bob").await;
    assert_eq!(returned("bob", &own).await, None, "nobody has told him meanwhile");

    // What changes between the two questions is noticed, and the socket has to come back.
    world.comes("bob").await;
    let late = Visitor { recovered: Some(names(&own).into()), ..super::world::visitor("bob") };
    assert_eq!(told(&world.chat.connected(&late).await).lines().last(), Some("close BUSY"));
    assert_eq!(world.goes("bob").await, "", "his first socket is still here");
}
