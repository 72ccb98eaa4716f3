//! Messages and reactions.

use expect_test::expect;

use super::check;

const DEN: &str = r#"ann comes
bob comes
cay comes
ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
--
"#;

/// The sender is told before the room: its client replaces what it shows by what it is told.
#[test]
fn a_message_is_told_to_its_sender_and_then_to_the_room() {
    check(
        &(DEN.to_owned()
            + r#"show ann message:send {"channelId":"1","content":"hello","tempId":"t1"}"#),
        expect![[r#"
            ann message:send {"channelId":"1","content":"hello","tempId":"t1"}
              message:delivered -> ann {"messageId":"1","processed":true,"status":"DELIVERED","tempId":"t1"}
              message:sent -> ann {"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"}
              message:created -> ann, bob {"message":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"tempId":"t1"}
              yes {"data":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn a_message_said_twice_is_one_message() {
    check(
        &(DEN.to_owned()
            + r#"ann message:send {"channelId":"1","content":"hello","tempId":"t1"}
                 show ann send_message {"channelId":"1","content":"hello","tempId":"t1","processed":false}
                 bob message:send {"channelId":"1","content":"hello","tempId":"t1"}
                 ann message:send {"channelId":"1","content":"no name"}
                 ann message:send {"channelId":"1","content":"no name"}
                 ann channel:create {"name":"attic"}
                 ann message:send {"channelId":"2","content":"hello","tempId":"t1"}"#),
        expect![[r#"
            ann message:send {"channelId":"1","content":"hello","tempId":"t1"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            ann send_message {"channelId":"1","content":"hello","tempId":"t1","processed":false}
              message:delivered -> ann {"messageId":"1","processed":true,"status":"DELIVERED","tempId":"t1"}
              message:sent -> ann {"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"}
              yes {"data":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"success":true}
            bob message:send {"channelId":"1","content":"hello","tempId":"t1"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob
              yes
            ann message:send {"channelId":"1","content":"no name"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            ann message:send {"channelId":"1","content":"no name"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            ann channel:create {"name":"attic"}
              channel:created -> ann
              channel.created -> ann
              yes
            ann message:send {"channelId":"2","content":"hello","tempId":"t1"}
              message:failed -> ann
              no: This tempId was used for another message
        "#]],
    );
}

#[test]
fn what_is_no_message_is_told_to_have_failed() {
    let long = "a".repeat(4001);
    check(
        &(DEN.to_owned()
            + &format!(
                r#"show ann message:send {{"channelId":"1","tempId":"t1"}}
                   ann message:send {{"channelId":"1","content":" "}}
                   ann message:send {{"channelId":"1","content":17}}
                   ann message:send {{"content":"x"}}
                   ann message:send
                   ann message:send null
                   ann message:send {{"channelId":"1","content":"x","tempId":17}}
                   ann message:send {{"channelId":"den","content":"x"}}
                   ann updateMessage {{"messageId":"1","content":"{long}"}}"#
            )),
        expect![[r#"
            ann message:send {"channelId":"1","tempId":"t1"}
              message:failed -> ann {"error":"Message content is required","processed":true,"status":"FAILED","tempId":"t1"}
              no: Message content is required
            ann message:send {"channelId":"1","content":" "}
              message:failed -> ann
              no: Message content is required
            ann message:send {"channelId":"1","content":17}
              message:failed -> ann
              no: A text is required
            ann message:send {"content":"x"}
              message:failed -> ann
              no: channelId is required
            ann message:send
              message:failed -> ann
              no: channelId is required
            ann message:send null
              message:failed -> ann
              no: channelId is required
            ann message:send {"channelId":"1","content":"x","tempId":17}
              message:failed -> ann
              no: An id is a short text
            ann message:send {"channelId":"den","content":"x"}
              message:failed -> ann
              no: channelId is required
            ann updateMessage {"messageId":"1","content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
              no: A text is too long
        "#]],
    );
}

#[test]
fn authors_change_their_own() {
    check(
        &(DEN.to_owned()
            + r#"bob message:send {"channelId":"1","content":"helo"}
                 +1s
                 show bob updateMessage {"messageId":"1","content":"hello"}
                 ann updateMessage {"messageId":"1","content":"mine"}
                 cay updateMessage {"messageId":"1","content":"mine"}
                 bob updateMessage {"messageId":"7","content":"x"}"#),
        expect![[r#"
            bob message:send {"channelId":"1","content":"helo"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob
              yes
            bob updateMessage {"messageId":"1","content":"hello"}
              message:updated -> ann, bob {"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"message":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:21.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"processed":true,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:21.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              yes {"data":{"_count":{"replies":0},"channelId":"1","content":"hello","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[],"replyToId":null,"updatedAt":"2023-11-14T22:13:21.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"processed":true,"success":true}
            ann updateMessage {"messageId":"1","content":"mine"}
              no: Insufficient permissions
            cay updateMessage {"messageId":"1","content":"mine"}
              no: Message not found
            bob updateMessage {"messageId":"7","content":"x"}
              no: Message not found
        "#]],
    );
}

#[test]
fn authors_and_whoever_looks_after_the_channel_delete() {
    check(
        &(DEN.to_owned()
            + r#"ann message:send {"channelId":"1","content":"a"}
                 bob message:send {"channelId":"1","content":"b"}
                 bob message:send {"channelId":"1","content":"c"}
                 bob deleteMessage {"messageId":"1"}
                 cay deleteMessage {"messageId":"2","channelId":"1"}
                 show bob deleteMessage {"messageId":"2"}
                 ann deleteMessage {"messageId":"3"}
                 ann deleteMessage {"messageId":"3"}"#),
        expect![[r#"
            ann message:send {"channelId":"1","content":"a"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            bob message:send {"channelId":"1","content":"b"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob
              yes
            bob message:send {"channelId":"1","content":"c"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob
              yes
            bob deleteMessage {"messageId":"1"}
              no: Insufficient permissions
            cay deleteMessage {"messageId":"2","channelId":"1"}
              no: Message not found
            bob deleteMessage {"messageId":"2"}
              message:deleted -> ann, bob {"channelId":"1","messageId":"2"}
              yes {"data":{"channelId":"1","messageId":"2"},"processed":true,"success":true}
            ann deleteMessage {"messageId":"3"}
              message:deleted -> ann, bob
              yes
            ann deleteMessage {"messageId":"3"}
              no: Message not found
        "#]],
    );
}

/// One payload for both halves of the client, under both names.
#[test]
fn reactions_are_told_to_the_room() {
    check(
        &(DEN.to_owned()
            + r#"ann message:send {"channelId":"1","content":"hello"}
                 show bob reaction:add {"messageId":"1","type":"👍"}
                 bob message:reaction:added {"id":"x","messageId":"1","userId":"ann","emoji":"👍"}
                 bob reaction:add {"messageId":"1","type":"🎉"}
                 show bob reaction:remove {"messageId":"1","type":"👍"}
                 show ann updateMessage {"messageId":"1","content":"one is left"}"#),
        expect![[r#"
            ann message:send {"channelId":"1","content":"hello"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            bob reaction:add {"messageId":"1","type":"👍"}
              reaction:added -> ann, bob {"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              message:reaction:added -> ann, bob {"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              yes {"data":{"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"processed":true,"success":true}
            bob message:reaction:added {"id":"x","messageId":"1","userId":"ann","emoji":"👍"}
              reaction:added -> ann, bob
              message:reaction:added -> ann, bob
              yes
            bob reaction:add {"messageId":"1","type":"🎉"}
              reaction:added -> ann, bob
              message:reaction:added -> ann, bob
              yes
            bob reaction:remove {"messageId":"1","type":"👍"}
              reaction:removed -> ann, bob {"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              message:reaction:removed -> ann, bob {"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}
              yes {"data":{"createdAt":"2023-11-14T22:13:20.000Z","emoji":"👍","id":"1-bob-👍","messageId":"1","processed":true,"reaction":{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-👍","messageId":"1","timestamp":"2023-11-14T22:13:20.000Z","type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"type":"👍","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"processed":true,"success":true}
            ann updateMessage {"messageId":"1","content":"one is left"}
              message:updated -> ann, bob {"_count":{"replies":0},"channelId":"1","content":"one is left","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"message":{"_count":{"replies":0},"channelId":"1","content":"one is left","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-🎉","messageId":"1","type":"🎉","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"reactions":[{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-🎉","messageId":"1","type":"🎉","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"}
              yes {"data":{"_count":{"replies":0},"channelId":"1","content":"one is left","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"1","isDelivered":false,"isRead":false,"reactions":[{"createdAt":"2023-11-14T22:13:20.000Z","id":"1-bob-🎉","messageId":"1","type":"🎉","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"}],"replyToId":null,"updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn what_is_no_reaction_is_refused() {
    let long = "a".repeat(65);
    check(
        &(DEN.to_owned()
            + &format!(
                r#"ann message:send {{"channelId":"1","content":"hello"}}
                   cay reaction:add {{"messageId":"1","type":"x"}}
                   bob reaction:add {{"messageId":"1"}}
                   bob reaction:add {{"messageId":"1","type":""}}
                   bob reaction:add {{"messageId":"1","type":"{long}"}}
                   bob reaction:remove {{"messageId":"2","type":"x"}}"#
            )),
        expect![[r#"
            ann message:send {"channelId":"1","content":"hello"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob
              yes
            cay reaction:add {"messageId":"1","type":"x"}
              no: Message not found
            bob reaction:add {"messageId":"1"}
              no: type is required
            bob reaction:add {"messageId":"1","type":""}
              no: type is required
            bob reaction:add {"messageId":"1","type":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
              no: type is required
            bob reaction:remove {"messageId":"2","type":"x"}
              no: Message not found
        "#]],
    );
}

#[test]
fn kinds_of_reaction_are_counted() {
    let mut script = DEN.to_owned() + "ann message:send {\"channelId\":\"1\",\"content\":\"x\"}\n";
    for kind in 0..51 {
        script += &format!("ann reaction:add {{\"messageId\":\"1\",\"type\":\"k{kind}\"}}\n");
    }
    script += "bob reaction:add {\"messageId\":\"1\",\"type\":\"k0\"}\n";
    let played = super::house::play(&script);
    assert_eq!(played.matches("no: Too many kinds of reaction").count(), 1);
    assert!(played.ends_with("  message:reaction:added -> ann, bob\n  yes\n"), "{played}");
}
