//! Channels, membership and roles.

use expect_test::expect;

use super::check;

const THREE: &str = "ann comes\nbob comes\ncay comes\n--\n";

#[test]
fn a_channel_is_made_with_its_members() {
    check(
        &(THREE.to_owned()
            + r#"show ann channel:create {"name":"den","type":"PRIVATE","description":"d","memberIds":["bob","ann"]}
                 show bob channels:list"#),
        expect![[r#"
            ann channel:create {"name":"den","type":"PRIVATE","description":"d","memberIds":["bob","ann"]}
              channel:created -> ann, bob {"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"},"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"}
              channel.created -> ann, bob {"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"},"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"}
              yes {"data":{"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"},"processed":true,"success":true}
            bob channels:list
              yes {"data":{"channels":[{"createdAt":"2023-11-14T22:13:20.000Z","description":"d","id":"1","memberCount":2,"name":"den","role":"MEMBER","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"}]},"processed":true,"success":true}
        "#]],
    );
}

#[test]
fn what_is_no_channel_is_not_made() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {}
                 ann channel:create {"name":"  "}
                 ann channel:create {"name":17}
                 ann channel:create {"name":"den","type":"SECRET"}
                 ann channel:create {"name":"den","type":null}
                 ann channel:create {"name":"den","memberIds":"bob"}
                 ann channel:create {"name":"den","memberIds":[1]}
                 ann channel:create {"name":"den","memberIds":["nobody"]}
                 ann channel:create {"type":"DM","memberIds":["bob","cay"]}
                 ann channel:create {"type":"DM","memberIds":["ann"]}
                 ann channel:create {"type":"DM"}
                 ann channels:list"#),
        expect![[r#"
            ann channel:create {}
              no: name is required
            ann channel:create {"name":"  "}
              no: name is required
            ann channel:create {"name":17}
              no: A text is required
            ann channel:create {"name":"den","type":"SECRET"}
              no: type is PUBLIC, PRIVATE or DM
            ann channel:create {"name":"den","type":null}
              no: type is PUBLIC, PRIVATE or DM
            ann channel:create {"name":"den","memberIds":"bob"}
              no: memberIds is a list of up to 100 ids
            ann channel:create {"name":"den","memberIds":[1]}
              no: memberIds is a list of up to 100 ids
            ann channel:create {"name":"den","memberIds":["nobody"]}
              no: User not found
            ann channel:create {"type":"DM","memberIds":["bob","cay"]}
              no: A direct conversation is between two
            ann channel:create {"type":"DM","memberIds":["ann"]}
              no: A direct conversation is between two
            ann channel:create {"type":"DM"}
              no: A direct conversation is between two
            ann channels:list
              yes
        "#]],
    );
}

/// Between two there is one direct conversation, whoever begins it.
#[test]
fn a_direct_conversation_is_made_once() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"type":"DM","memberIds":["bob"]}
                 bob channel:create {"type":"DM","memberIds":["ann"]}
                 cay channel:create {"type":"DM","memberIds":["ann"]}
                 cay channel:join {"channelId":"1"}
                 ann invitation:send {"channelId":"1","inviteeId":"cay"}
                 ann channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}"#),
        expect![[r#"
            ann channel:create {"type":"DM","memberIds":["bob"]}
              channel:created -> ann, bob
              channel.created -> ann, bob
              yes
            bob channel:create {"type":"DM","memberIds":["ann"]}
              yes
            cay channel:create {"type":"DM","memberIds":["ann"]}
              channel:created -> ann, cay
              channel.created -> ann, cay
              yes
            cay channel:join {"channelId":"1"}
              no: Access denied to channel
            ann invitation:send {"channelId":"1","inviteeId":"cay"}
              no: Insufficient permissions
            ann channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}
              no: Insufficient permissions
        "#]],
    );
}

/// A list of channels is told at each connection, so it has an end.
#[test]
fn nobody_owns_more_channels_than_may_be() {
    let mut script = "ann comes\n".to_owned();
    script += &"ann channel:create {\"name\":\"den\"}\n".repeat(201);
    let played = super::house::play(&script);
    assert_eq!(played.matches("  yes\n").count(), 200);
    assert!(played.ends_with("  no: Too many channels\n"));
}

#[test]
fn a_public_channel_is_joined_by_entering_it() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","type":"PUBLIC"}
                 show bob channel:join {"channelId":"1"}
                 bob channel:join "1"
                 bob message:send {"channelId":"1","content":"hello"}"#),
        expect![[r#"
            ann channel:create {"name":"den","type":"PUBLIC"}
              channel:created -> ann
              channel.created -> ann
              yes
            bob channel:join {"channelId":"1"}
              channel:joined -> bob {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              channel:user_joined -> ann {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              room:member:joined -> ann {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              channel:member_joined -> ann, bob {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              channel:member_count -> ann, bob {"channelId":"1","count":2,"timestamp":"2023-11-14T22:13:20.000Z"}
              yes {"data":{"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"},"processed":true,"success":true}
            bob channel:join "1"
              channel:joined -> bob
              channel:user_joined -> ann
              room:member:joined -> ann
              yes
            bob message:send {"channelId":"1","content":"hello"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob
              yes
        "#]],
    );
}

/// C3: not to join, not to speak in, and not to be told apart from one that is not there.
#[test]
fn a_private_channel_is_for_its_members() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
                 cay channel:join {"channelId":"1"}
                 cay channel:join {"channelId":"99"}
                 cay channel:leave {"channelId":"1"}
                 cay message:send {"channelId":"1","content":"let me in","tempId":"t1"}
                 bob channel:join {"channelId":"1"}"#),
        expect![[r#"
            ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
              channel:created -> ann, bob
              channel.created -> ann, bob
              yes
            cay channel:join {"channelId":"1"}
              no: Access denied to channel
            cay channel:join {"channelId":"99"}
              no: Access denied to channel
            cay channel:leave {"channelId":"1"}
              no: Access denied to channel
            cay message:send {"channelId":"1","content":"let me in","tempId":"t1"}
              message:failed -> cay
              no: Access denied to channel
            bob channel:join {"channelId":"1"}
              channel:joined -> bob
              channel:user_joined -> ann
              room:member:joined -> ann
              yes
        "#]],
    );
}

#[test]
fn leaving_is_for_this_socket() {
    check(
        r#"ann comes
           bob comes
           bob' comes
           ann channel:create {"name":"den","memberIds":["bob"]}
           --
           show bob channel:leave {"channelId":"1"}
           ann message:send {"channelId":"1","content":"who hears me?"}
           bob goes
           bob comes
           ann message:send {"channelId":"1","content":"and now?"}"#,
        expect![[r#"
            bob channel:leave {"channelId":"1"}
              channel:left -> bob {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              channel:user_left -> ann {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              room:member:left -> ann {"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"}
              yes {"data":{"channelId":"1","timestamp":"2023-11-14T22:13:20.000Z","user":{"id":"bob","imageUrl":null,"name":"Bob"},"userId":"bob","userName":"Bob"},"processed":true,"success":true}
            ann message:send {"channelId":"1","content":"who hears me?"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob'
              yes
            bob goes
            bob comes
              connection:starting -> bob
              connection:success -> bob
              connection:ready -> bob
              message:offline -> bob
              message:created -> bob
            ann message:send {"channelId":"1","content":"and now?"}
              message:delivered -> ann
              message:sent -> ann
              message:created -> ann, bob', bob
              yes
        "#]],
    );
}

#[test]
fn whoever_looks_after_a_channel_changes_it() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","memberIds":["bob","cay"]}
                 bob channel:update {"channelId":"1","name":"attic"}
                 ann channel:member:role {"channelId":"1","userId":"bob","role":"ADMIN"}
                 show bob channel:update {"channelId":"1","name":"attic"}
                 bob channel:update {"channelId":"1","name":" "}
                 bob channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}
                 ann channel:member:role {"channelId":"1","userId":"eve","role":"ADMIN"}
                 ann channel:member:role {"channelId":"1","userId":"bob","role":"KING"}
                 ann channel:member:role {"channelId":"1","userId":"ann","role":"MEMBER"}
                 ann channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}
                 ann channel:member:role {"channelId":"1","userId":"ann","role":"MEMBER"}"#),
        expect![[r#"
            ann channel:create {"name":"den","memberIds":["bob","cay"]}
              channel:created -> ann, bob, cay
              channel.created -> ann, bob, cay
              yes
            bob channel:update {"channelId":"1","name":"attic"}
              no: Insufficient permissions
            ann channel:member:role {"channelId":"1","userId":"bob","role":"ADMIN"}
              channel:member:role -> ann, bob, cay
              channel:updated -> ann, bob, cay
              channel.updated -> ann, bob, cay
              yes
            bob channel:update {"channelId":"1","name":"attic"}
              channel:updated -> ann, bob, cay {"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":3,"name":"attic","type":"PUBLIC","updatedAt":"2023-11-14T22:13:20.000Z"},"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":3,"name":"attic","type":"PUBLIC","updatedAt":"2023-11-14T22:13:20.000Z"}
              channel.updated -> ann, bob, cay {"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":3,"name":"attic","type":"PUBLIC","updatedAt":"2023-11-14T22:13:20.000Z"},"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":3,"name":"attic","type":"PUBLIC","updatedAt":"2023-11-14T22:13:20.000Z"}
              yes {"data":{"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":3,"name":"attic","type":"PUBLIC","updatedAt":"2023-11-14T22:13:20.000Z"},"processed":true,"success":true}
            bob channel:update {"channelId":"1","name":" "}
              no: name is required
            bob channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}
              no: Insufficient permissions
            ann channel:member:role {"channelId":"1","userId":"eve","role":"ADMIN"}
              no: User is not a member
            ann channel:member:role {"channelId":"1","userId":"bob","role":"KING"}
              no: role is OWNER, ADMIN or MEMBER
            ann channel:member:role {"channelId":"1","userId":"ann","role":"MEMBER"}
              no: A channel has an owner
            ann channel:member:role {"channelId":"1","userId":"bob","role":"OWNER"}
              channel:member:role -> ann, bob, cay
              channel:updated -> ann, bob, cay
              channel.updated -> ann, bob, cay
              yes
            ann channel:member:role {"channelId":"1","userId":"ann","role":"MEMBER"}
              channel:member:role -> ann, bob, cay
              channel:updated -> ann, bob, cay
              channel.updated -> ann, bob, cay
              yes
        "#]],
    );
}

#[test]
fn a_channel_made_elsewhere_is_announced_by_whoever_looks_after_it() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","memberIds":["bob"]}
                 bob channel:created {"channel":{"id":"1"}}
                 ann channel:created {"channel":{"id":"1"}}
                 cay channel:created {"channel":{"id":"1"}}"#),
        expect![[r#"
            ann channel:create {"name":"den","memberIds":["bob"]}
              channel:created -> ann, bob
              channel.created -> ann, bob
              yes
            bob channel:created {"channel":{"id":"1"}}
              no: Insufficient permissions
            ann channel:created {"channel":{"id":"1"}}
              channel:created -> ann, bob
              channel.created -> ann, bob
              yes
            cay channel:created {"channel":{"id":"1"}}
              no: Access denied to channel
        "#]],
    );
}

#[test]
fn an_invitation_leads_into_a_private_channel() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
                 bob invitation:send {"channelId":"1","inviteeId":"cay"}
                 ann invitation:send {"channelId":"1","inviteeId":"nobody"}
                 ann invitation:send {"channelId":"1","inviteeId":"bob"}
                 show ann invitation:send {"channelId":"1","inviteeId":"cay"}
                 bob invitation:respond {"invitationId":"1","accept":true}
                 cay invitation:respond {"invitationId":"1"}
                 cay invitation:respond {"invitationId":"1","accept":true}
                 cay invitation:respond {"invitationId":"1","accept":true}
                 bob message:send {"channelId":"1","content":"welcome"}"#),
        expect![[r#"
            ann channel:create {"name":"den","type":"PRIVATE","memberIds":["bob"]}
              channel:created -> ann, bob
              channel.created -> ann, bob
              yes
            bob invitation:send {"channelId":"1","inviteeId":"cay"}
              no: Insufficient permissions
            ann invitation:send {"channelId":"1","inviteeId":"nobody"}
              no: User not found
            ann invitation:send {"channelId":"1","inviteeId":"bob"}
              no: User is already a member
            ann invitation:send {"channelId":"1","inviteeId":"cay"}
              invitation:received -> cay {"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"},"channelId":"1","invitationId":"1","inviteeId":"cay","inviter":{"id":"ann","imageUrl":null,"name":"Ann"},"inviterId":"ann"}
              yes {"data":{"channel":{"createdAt":"2023-11-14T22:13:20.000Z","description":null,"id":"1","memberCount":2,"name":"den","type":"PRIVATE","updatedAt":"2023-11-14T22:13:20.000Z"},"channelId":"1","invitationId":"1","inviteeId":"cay","inviter":{"id":"ann","imageUrl":null,"name":"Ann"},"inviterId":"ann"},"processed":true,"success":true}
            bob invitation:respond {"invitationId":"1","accept":true}
              no: Invitation not found
            cay invitation:respond {"invitationId":"1"}
              no: accept is required
            cay invitation:respond {"invitationId":"1","accept":true}
              channel:joined -> cay
              channel:user_joined -> ann, bob
              room:member:joined -> ann, bob
              channel:member_joined -> ann, bob, cay
              channel:member_count -> ann, bob, cay
              invitation:responded -> ann
              yes
            cay invitation:respond {"invitationId":"1","accept":true}
              no: Invitation not found
            bob message:send {"channelId":"1","content":"welcome"}
              message:delivered -> bob
              message:sent -> bob
              message:created -> ann, bob, cay
              yes
        "#]],
    );
}

#[test]
fn an_invitation_makes_nobody_a_member_again() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"square"}
                 ann invitation:send {"channelId":"1","inviteeId":"cay"}
                 cay channel:join {"channelId":"1"}
                 cay invitation:respond {"invitationId":"1","accept":true}"#),
        expect![[r#"
            ann channel:create {"name":"square"}
              channel:created -> ann
              channel.created -> ann
              yes
            ann invitation:send {"channelId":"1","inviteeId":"cay"}
              invitation:received -> cay
              yes
            cay channel:join {"channelId":"1"}
              channel:joined -> cay
              channel:user_joined -> ann
              room:member:joined -> ann
              channel:member_joined -> ann, cay
              channel:member_count -> ann, cay
              yes
            cay invitation:respond {"invitationId":"1","accept":true}
              channel:joined -> cay
              channel:user_joined -> ann
              room:member:joined -> ann
              invitation:responded -> ann
              yes
        "#]],
    );
}

#[test]
fn a_declined_invitation_leads_nowhere() {
    check(
        &(THREE.to_owned()
            + r#"ann channel:create {"name":"den","type":"PRIVATE"}
                 ann invitation:send {"channelId":"1","inviteeId":"cay"}
                 cay invitation:respond {"invitationId":"1","accept":false}
                 cay channel:join {"channelId":"1"}"#),
        expect![[r#"
            ann channel:create {"name":"den","type":"PRIVATE"}
              channel:created -> ann
              channel.created -> ann
              yes
            ann invitation:send {"channelId":"1","inviteeId":"cay"}
              invitation:received -> cay
              yes
            cay invitation:respond {"invitationId":"1","accept":false}
              invitation:responded -> ann
              yes
            cay channel:join {"channelId":"1"}
              no: Access denied to channel
        "#]],
    );
}
