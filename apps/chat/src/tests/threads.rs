//! Threads.

use expect_test::expect;

use super::check;

const DEN: &str = r#"ann comes
bob comes
cay comes
ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
ann message:send {"channelId":"1","content":"root"}
--
"#;

#[test]
fn a_reply_is_told_to_the_thread_and_counted_for_the_channel() {
    check(
        &(DEN.to_owned()
            + r#"show bob thread:join {"threadId":"1","channelId":"1"}
                 show ann thread:reply {"threadId":"1","channelId":"1","content":"re","tempId":"t1"}
                 ann thread:reply {"threadId":"1","channelId":"1","content":"re","tempId":"t1"}
                 show bob thread:leave {"threadId":"1","channelId":"1"}
                 ann thread:reply {"threadId":"1","content":"re 2"}"#),
        expect![[r#"
            bob thread:join {"threadId":"1","channelId":"1"}
              thread:joined -> bob {"threadId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"bob"}
              yes {"data":{"threadId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"bob"},"processed":true,"success":true}
            ann thread:reply {"threadId":"1","channelId":"1","content":"re","tempId":"t1"}
              thread:reply:delivered -> ann {"messageId":"2","processed":true,"status":"DELIVERED","tempId":"t1","threadId":"1"}
              thread:reply:created -> bob {"message":{"_count":{"replies":0},"channelId":"1","content":"re","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"2","isDelivered":false,"isRead":false,"reactions":[],"replyToId":"1","updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"tempId":"t1","threadId":"1"}
              thread:updated -> ann, bob {"channelId":"1","lastReply":{"_count":{"replies":0},"channelId":"1","content":"re","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"2","isDelivered":false,"isRead":false,"reactions":[],"replyToId":"1","updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"replyCount":1,"threadId":"1"}
              yes {"data":{"_count":{"replies":0},"channelId":"1","content":"re","createdAt":"2023-11-14T22:13:20.000Z","deliveryStatus":"SENT","hasReplies":false,"id":"2","isDelivered":false,"isRead":false,"reactions":[],"replyToId":"1","updatedAt":"2023-11-14T22:13:20.000Z","user":{"id":"ann","imageUrl":null,"name":"Ann"},"userId":"ann"},"processed":true,"success":true}
            ann thread:reply {"threadId":"1","channelId":"1","content":"re","tempId":"t1"}
              thread:reply:delivered -> ann
              yes
            bob thread:leave {"threadId":"1","channelId":"1"}
              thread:left -> bob {"threadId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"bob"}
              yes {"data":{"threadId":"1","timestamp":"2023-11-14T22:13:20.000Z","userId":"bob"},"processed":true,"success":true}
            ann thread:reply {"threadId":"1","content":"re 2"}
              thread:reply:delivered -> ann
              thread:reply:created -> nobody
              thread:updated -> ann, bob
              yes
        "#]],
    );
}

#[test]
fn a_reply_to_a_reply_is_in_the_same_thread() {
    check(
        &(DEN.to_owned()
            + r#"bob thread:join {"threadId":"1"}
                 ann thread:reply {"threadId":"1","content":"re"}
                 ann thread:reply {"threadId":"2","content":"re re"}
                 bob thread:join {"threadId":"3"}"#),
        expect![[r#"
            bob thread:join {"threadId":"1"}
              thread:joined -> bob
              yes
            ann thread:reply {"threadId":"1","content":"re"}
              thread:reply:delivered -> ann
              thread:reply:created -> bob
              thread:updated -> ann, bob
              yes
            ann thread:reply {"threadId":"2","content":"re re"}
              thread:reply:delivered -> ann
              thread:reply:created -> bob
              thread:updated -> ann, bob
              yes
            bob thread:join {"threadId":"3"}
              thread:joined -> bob
              yes
        "#]],
    );
}

/// C3: who is not in the channel is not in its threads.
#[test]
fn threads_are_as_closed_as_their_channels() {
    check(
        &(DEN.to_owned()
            + r#"cay thread:join {"threadId":"1","channelId":"1"}
                 show cay thread:reply {"threadId":"1","content":"hi","tempId":"t9"}
                 cay thread:leave {"threadId":"1"}
                 ann thread:reply {"threadId":"99","content":"hi"}
                 ann thread:reply {"threadId":"1"}
                 ann thread:join {}"#),
        expect![[r#"
            cay thread:join {"threadId":"1","channelId":"1"}
              no: Message not found
            cay thread:reply {"threadId":"1","content":"hi","tempId":"t9"}
              thread:reply:failed -> cay {"error":"Message not found","processed":true,"status":"FAILED","tempId":"t9","threadId":"1"}
              no: Message not found
            cay thread:leave {"threadId":"1"}
              thread:left -> cay
              yes
            ann thread:reply {"threadId":"99","content":"hi"}
              thread:reply:failed -> ann
              no: Message not found
            ann thread:reply {"threadId":"1"}
              thread:reply:failed -> ann
              no: Message content is required
            ann thread:join {}
              no: threadId is required
        "#]],
    );
}

#[test]
fn a_thread_goes_with_the_message_it_began_with() {
    check(
        &(DEN.to_owned()
            + r#"ann thread:reply {"threadId":"1","content":"re"}
                 ann deleteMessage {"messageId":"1"}
                 ann message:getStatus {"messageId":"2"}
                 ann thread:leave {"threadId":"1"}"#),
        expect![[r#"
            ann thread:reply {"threadId":"1","content":"re"}
              thread:reply:delivered -> ann
              thread:reply:created -> nobody
              thread:updated -> ann, bob
              yes
            ann deleteMessage {"messageId":"1"}
              message:deleted -> ann, bob
              yes
            ann message:getStatus {"messageId":"2"}
              no: Message not found
            ann thread:leave {"threadId":"1"}
              thread:left -> ann
              yes
        "#]],
    );
}
