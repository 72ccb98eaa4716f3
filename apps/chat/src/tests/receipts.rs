//! Whom messages reach, and who reads them.

use expect_test::expect;

use super::check;

const DEN: &str = r#"ann comes
bob comes
cay comes
ann channel:create {"name":"den","memberIds":["bob"]}
ann message:send {"channelId":"1","content":"hello"}
--
"#;

#[test]
fn the_author_hears_whom_a_message_has_reached() {
    check(
        &(DEN.to_owned()
            + r#"show bob message:received {"messageId":"1","processed":true}
                 bob message:received {"messageId":"1","processed":true}
                 ann message:received {"messageId":"1","processed":true}
                 show ann message:getStatus {"messageId":"1"}"#),
        expect![[r#"
            bob message:received {"messageId":"1","processed":true}
              message:status -> ann {"channelId":"1","messageId":"1","status":"DELIVERED","userId":"bob"}
              yes {"data":{"channelId":"1","messageId":"1","status":"DELIVERED","userId":"bob"},"processed":true,"success":true}
            bob message:received {"messageId":"1","processed":true}
              yes
            ann message:received {"messageId":"1","processed":true}
              yes
            ann message:getStatus {"messageId":"1"}
              yes {"data":{"messageId":"1","receipts":[{"deliveredAt":"2023-11-14T22:13:20.000Z","readAt":null,"userId":"bob"}],"status":"DELIVERED"},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn the_room_hears_who_has_read_a_message() {
    check(
        &(DEN.to_owned()
            + r#"bob message:received {"messageId":"1"}
                 +1s
                 show bob message:read {"messageId":"1","channelId":"1"}
                 +1s
                 bob message:seen {"messageId":"1"}
                 ann message:read {"messageId":"1"}
                 bob message:received {"messageId":"1"}
                 show ann message:getStatus {"messageId":"1"}"#),
        expect![[r#"
            bob message:received {"messageId":"1"}
              message:status -> ann
              yes
            bob message:read {"messageId":"1","channelId":"1"}
              message:status -> ann {"channelId":"1","messageId":"1","status":"READ","userId":"bob"}
              message:read -> ann, bob {"channelId":"1","messageId":"1","readReceipt":{"channelId":"1","messageId":"1","readAt":"2023-11-14T22:13:21.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"status":"READ","userId":"bob"}
              yes {"data":{"channelId":"1","messageId":"1","status":"READ","userId":"bob"},"processed":true,"success":true}
            bob message:seen {"messageId":"1"}
              yes
            ann message:read {"messageId":"1"}
              yes
            bob message:received {"messageId":"1"}
              yes
            ann message:getStatus {"messageId":"1"}
              yes {"data":{"messageId":"1","receipts":[{"deliveredAt":"2023-11-14T22:13:20.000Z","readAt":"2023-11-14T22:13:21.000Z","userId":"bob"}],"status":"READ"},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn reading_is_receiving_too() {
    check(
        &(DEN.to_owned()
            + r#"show bob READ {"messageId":"1","channelId":"1"}
                 bob message:getOfflineCount"#),
        expect![[r#"
            bob READ {"messageId":"1","channelId":"1"}
              message:status -> ann {"channelId":"1","messageId":"1","status":"READ","userId":"bob"}
              message:read -> ann, bob {"channelId":"1","messageId":"1","readReceipt":{"channelId":"1","messageId":"1","readAt":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob"},"status":"READ","userId":"bob"}
              yes {"data":{"channelId":"1","messageId":"1","status":"READ","userId":"bob"},"processed":true,"success":true}
            bob message:getOfflineCount
              yes
        "#]],
    );
}

#[test]
fn what_has_not_arrived_is_counted() {
    check(
        &(DEN.to_owned()
            + r#"bob goes
                 ann message:send {"channelId":"1","content":"are you there?"}
                 bob comes
                 show bob message:getOfflineCount
                 bob message:received {"messageId":"1"}
                 show bob message:getOfflineCount
                 show ann message:getOfflineCount
                 show cay message:getOfflineCount"#),
        expect![[r#"
            bob goes
              user:offline -> ann, cay
              presence:update -> ann, cay
            ann message:send {"channelId":"1","content":"are you there?"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann
              yes
            bob comes
              connection:starting -> bob
              connection:success -> bob
              connection:ready -> bob
              message:offline -> bob
              message:created -> bob
              message:created -> bob
              user:online -> ann, cay
              presence:update -> ann, cay
            bob message:getOfflineCount
              yes {"data":{"count":2},"processed":true,"success":true}
            bob message:received {"messageId":"1"}
              message:status -> ann
              yes
            bob message:getOfflineCount
              yes {"data":{"count":1},"processed":true,"success":true}
            ann message:getOfflineCount
              yes {"data":{"count":0},"processed":true,"success":true}
            cay message:getOfflineCount
              yes {"data":{"count":0},"processed":true,"success":true}
        "#]],
    );
}

/// C3.
#[test]
fn nobody_reads_what_they_may_not_see() {
    check(
        &(DEN.to_owned()
            + r#"cay message:read {"messageId":"1"}
                 cay message:received {"messageId":"1"}
                 cay message:getStatus {"messageId":"1"}
                 bob message:read {"messageId":"x"}
                 bob message:read"#),
        expect![[r#"
            cay message:read {"messageId":"1"}
              no: Message not found
            cay message:received {"messageId":"1"}
              no: Message not found
            cay message:getStatus {"messageId":"1"}
              no: Message not found
            bob message:read {"messageId":"x"}
              no: messageId is required
            bob message:read
              no: messageId is required
        "#]],
    );
}
