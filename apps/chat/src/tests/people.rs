//! Coming and going, typing, drafts, and what other devices are told.

use expect_test::expect;

use super::{
    check,
    house::{House, user},
};

#[test]
fn the_first_socket_of_somebody_is_news_and_so_is_the_last() {
    check(
        r#"ann comes
           show bob comes
           bob' comes
           bob goes
           show bob' goes"#,
        expect![[r#"
            ann comes
              connection:starting -> ann
              connection:success -> ann
              connection:ready -> ann
              user:online -> nobody
              presence:update -> nobody
            bob comes
              connection:starting -> bob {"userId":"bob"}
              connection:success -> bob {"channels":[],"userId":"bob"}
              connection:ready -> bob {"channels":[],"timestamp":"2023-11-14T22:13:20.000Z","userId":"bob"}
              user:online -> ann {"user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              presence:update -> ann {"isOnline":true,"userId":"bob"}
              yes {"data":null,"processed":true,"success":true}
            bob' comes
              connection:starting -> bob'
              connection:success -> bob'
              connection:ready -> bob'
            bob goes
            bob' goes
              user:offline -> ann {"userId":"bob"}
              presence:update -> ann {"isOnline":false,"userId":"bob"}
              yes {"data":null,"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn whoever_comes_is_in_the_rooms_of_their_channels() {
    check(
        r#"ann comes
           bob comes
           ann channel:create {"name":"den","memberIds":["bob"]}
           --
           bob goes
           bob comes
           ann message:send {"channelId":"1","content":"hello"}"#,
        expect![[r#"
            bob goes
              user:offline -> ann
              presence:update -> ann
            bob comes
              connection:starting -> bob
              connection:success -> bob
              connection:ready -> bob
              user:online -> ann
              presence:update -> ann
            ann message:send {"channelId":"1","content":"hello"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
        "#]],
    );
}

#[test]
fn who_is_here_can_be_asked() {
    check(
        "ann comes
         bob comes
         bob goes
         --
         show ann presence:get_online_users",
        expect![[r#"
            ann presence:get_online_users
              yes {"data":{"users":["ann"]},"processed":true,"success":true}
        "#]],
    );
}

/// Every client finds what it looks for in one payload; nobody is told of themselves.
#[test]
fn typing_is_told_to_the_others() {
    check(
        r#"ann comes
           bob comes
           ann channel:create {"name":"den","memberIds":["bob"]}
           --
           show ann typing:start {"channelId":"1"}
           show bob typing:get {"channelId":"1"}
           ann typing:stop {"channelId":"1"}
           ann typing:stop {"channelId":"1"}"#,
        expect![[r#"
            ann typing:start {"channelId":"1"}
              user:typing -> bob {"channelId":"1","isTyping":true,"timestamp":"2023-11-14T22:13:20.000Z","typingUser":{"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
              typing:start -> bob {"channelId":"1","isTyping":true,"timestamp":"2023-11-14T22:13:20.000Z","typingUser":{"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
              message:typing:start -> bob {"channelId":"1","isTyping":true,"timestamp":"2023-11-14T22:13:20.000Z","typingUser":{"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"ann","username":"Ann"},"userId":"ann","username":"Ann"}
              yes {"data":{"channelId":"1","isTyping":true},"processed":true,"success":true}
            bob typing:get {"channelId":"1"}
              yes {"data":{"channelId":"1","users":[{"id":"ann","imageUrl":null,"name":"Ann"}]},"processed":true,"success":true}
            ann typing:stop {"channelId":"1"}
              user:typing -> bob
              typing:stop -> bob
              message:typing:stop -> bob
              yes
            ann typing:stop {"channelId":"1"}
              yes
        "#]],
    );
}

#[test]
fn typing_ends_by_itself_after_five_seconds() {
    check(
        r#"ann comes
           bob comes
           ann channel:create {"name":"den","memberIds":["bob"]}
           --
           ann typing:start {"channelId":"1"}
           +4s
           ann typing:start {"channelId":"1"}
           +4s
           +1s
           +60s"#,
        expect![[r#"
            ann typing:start {"channelId":"1"}
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            ann typing:start {"channelId":"1"}
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            +1000ms
              user:typing -> ann, bob
              typing:stop -> ann, bob
              message:typing:stop -> ann, bob
        "#]],
    );
}

#[test]
fn typing_ends_with_a_message_elsewhere_or_going() {
    check(
        r#"ann comes
           bob comes
           ann channel:create {"name":"den","memberIds":["bob"]}
           ann channel:create {"name":"attic","memberIds":["bob"]}
           --
           ann typing:start {"channelId":"1"}
           ann message:send {"channelId":"1","content":"hello"}
           ann typing:start {"channelId":"1"}
           ann typing:start {"channelId":"2"}
           ann thread:reply {"threadId":"1","content":"re"}
           ann typing:start {"channelId":"2"}
           ann goes"#,
        expect![[r#"
            ann typing:start {"channelId":"1"}
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            ann message:send {"channelId":"1","content":"hello"}
              message:delivered -> ann
              message:sent -> ann
              user:typing -> bob
              typing:stop -> bob
              message:typing:stop -> bob
              message:created -> ann, bob
              yes
            ann typing:start {"channelId":"1"}
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            ann typing:start {"channelId":"2"}
              user:typing -> bob
              typing:stop -> bob
              message:typing:stop -> bob
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            ann thread:reply {"threadId":"1","content":"re"}
              thread:reply:delivered -> ann
              user:typing -> bob
              typing:stop -> bob
              message:typing:stop -> bob
              thread:reply:created -> nobody
              thread:updated -> ann, bob
              yes
            ann typing:start {"channelId":"2"}
              user:typing -> bob
              typing:start -> bob
              message:typing:start -> bob
              yes
            ann goes
              user:typing -> bob
              typing:stop -> bob
              message:typing:stop -> bob
              user:offline -> bob
              presence:update -> bob
        "#]],
    );
}

#[test]
fn nobody_types_where_they_are_not() {
    check(
        r#"ann comes
           bob comes
           ann channel:create {"name":"den"}
           --
           bob typing:start {"channelId":"1"}
           bob typing:get {"channelId":"1"}
           bob draft:sync {"channelId":"1","content":"x"}"#,
        expect![[r#"
            bob typing:start {"channelId":"1"}
              no: Access denied to channel
            bob typing:get {"channelId":"1"}
              no: Access denied to channel
            bob draft:sync {"channelId":"1","content":"x"}
              no: Access denied to channel
        "#]],
    );
}

#[test]
fn drafts_go_to_the_other_devices_and_the_later_one_stays() {
    check(
        r#"ann comes
           ann' comes
           ann channel:create {"name":"den"}
           --
           show ann draft:sync {"channelId":"1","content":"he","deviceId":"d1","timestamp":1699999999000}
           show ann' draft:sync {"channelId":"1","content":"old","deviceId":"d2","timestamp":1699999998000}
           show ann' draft:sync {"channelId":"1","content":"far","deviceId":"d2","timestamp":99999999999999}
           +1s
           show ann draft:sync {"channelId":"1"}"#,
        expect![[r#"
            ann draft:sync {"channelId":"1","content":"he","deviceId":"d1","timestamp":1699999999000}
              draft:sync -> ann' {"channelId":"1","content":"he","deviceId":"d1","timestamp":1699999999000,"writtenAt":"2023-11-14T22:13:19.000Z"}
              yes {"data":{"channelId":"1","content":"he","deviceId":"d1","timestamp":1699999999000,"writtenAt":"2023-11-14T22:13:19.000Z"},"processed":true,"success":true}
            ann' draft:sync {"channelId":"1","content":"old","deviceId":"d2","timestamp":1699999998000}
              yes {"data":{"channelId":"1","content":"he","deviceId":"d1","timestamp":1699999999000,"writtenAt":"2023-11-14T22:13:19.000Z"},"processed":true,"success":true}
            ann' draft:sync {"channelId":"1","content":"far","deviceId":"d2","timestamp":99999999999999}
              draft:sync -> ann {"channelId":"1","content":"far","deviceId":"d2","timestamp":1700000000000,"writtenAt":"2023-11-14T22:13:20.000Z"}
              yes {"data":{"channelId":"1","content":"far","deviceId":"d2","timestamp":1700000000000,"writtenAt":"2023-11-14T22:13:20.000Z"},"processed":true,"success":true}
            ann draft:sync {"channelId":"1"}
              draft:sync -> ann' {"channelId":"1","content":"","deviceId":"","timestamp":1700000001000,"writtenAt":"2023-11-14T22:13:21.000Z"}
              yes {"data":{"channelId":"1","content":"","deviceId":"","timestamp":1700000001000,"writtenAt":"2023-11-14T22:13:21.000Z"},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn places_in_lists_go_to_the_other_devices() {
    check(
        r#"ann comes
           ann' comes
           --
           show ann scroll:sync {"channelId":"1","offset":120}
           ann scroll:sync "far""#,
        expect![[r#"
            ann scroll:sync {"channelId":"1","offset":120}
              scroll:sync -> ann' {"channelId":"1","offset":120}
              yes {"data":null,"processed":true,"success":true}
            ann scroll:sync "far"
              no: A position is a short object
        "#]],
    );
}

#[test]
fn nobody_is_heard_who_never_came() {
    let mut house = House::new();
    let outcome = house.book.handle(0, &user("eve"), "channels:list", &[]).unwrap();
    assert_eq!(outcome.ack["error"], "User not authenticated");
}

/// What was committed is there after a restart; who was here is not.
#[test]
fn the_book_is_kept() {
    let dir = std::env::temp_dir().join(format!("chat-kept-{}", std::process::id()));
    let ann = user("ann");
    let create = [serde_json::json!({ "name": "den" })];
    {
        let mut book = crate::Book::open(&dir).unwrap();
        book.connected(0, &ann, false).unwrap();
        book.handle(0, &ann, "channel:create", &create).unwrap();
    }
    let mut book = crate::Book::open(&dir).unwrap();
    let outcome = book.connected(0, &ann, false).unwrap().unwrap();
    assert_eq!(outcome.emits[1].payload["channels"], serde_json::json!(["1"]));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_book_of_a_later_release_is_left_alone() {
    let dir = std::env::temp_dir().join(format!("chat-later-{}", std::process::id()));
    drop(crate::Book::open(&dir).unwrap());
    let db = rusqlite::Connection::open(dir.join("chat.db")).unwrap();
    db.execute_batch("PRAGMA user_version = 2").unwrap();
    let fault = crate::Book::open(&dir).unwrap_err();
    assert!(matches!(fault, crate::OpenError::Version { version: 2, .. }), "{fault}");
    std::fs::remove_dir_all(&dir).unwrap();
}
