//! Events both ways, with and without attachments.

use expect_test::expect;

use super::check;

#[test]
fn an_event_passes_through_as_it_was_written() {
    check(
        r#"websockets in
         says 40
         admit
         says 42["message",1,"2",{"3":[true]}]
         says 42["message", 1.50e+2 ,"\u00e9\/" , {"b":1,  "a":2,"b":3} ]
         says 42["message"]
         emit message-back 1,"2",{"3":[true]}"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says message 1 "2" {"3":[true]}
            s0 says message 1.50e+2 "\u00e9\/" {"b":1,  "a":2,"b":3}
            s0 says message
            w1 <- 42["message-back",1,"2",{"3":[true]}]
        "#]],
    );
}

#[test]
fn an_event_with_attachments_is_whole_when_they_are_there() {
    check(
        r#"websockets in
         says 40
         admit
         says 452-["message",{"_placeholder":true,"num":0},{"a":[{"num":1,"_placeholder":true}]}]
         sends 01 02 03
         sends 04 05 06
         emit bytes"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says message {"_placeholder":true,"num":0} {"a":[{"num":1,"_placeholder":true}]} + <01 02 03> + <04 05 06>
            w1 <- 451-["photo",{"_placeholder":true,"num":0}]
            w1 <- <01 02 03 04>
        "#]],
    );
}

#[test]
fn a_pong_may_stand_between_an_event_and_its_attachment() {
    check(
        r#"websockets in
         says 40
         admit
         +20s
         says 451-["a",{"_placeholder":true,"num":0}]
         +5s
         says 3
         sends 01
         +15s"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 25s
            w1 <- 2
            s0 says a {"_placeholder":true,"num":0} + <01>
        "#]],
    );
}

#[test]
fn a_placeholder_in_a_packet_without_attachments_is_an_object() {
    check(
        r#"websockets in
         says 40
         admit
         says 42["a",{"_placeholder":true,"num":7}]
         says 451-["a",{"_placeholder":false,"num":7},{"_placeholder":true,"num":0}]
         sends ff"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says a {"_placeholder":true,"num":7}
            s0 says a {"_placeholder":false,"num":7} {"_placeholder":true,"num":0} + <ff>
        "#]],
    );
}

#[test]
fn escapes_in_a_name_are_another_way_to_write_it() {
    check(
        r#"websockets in
         says 40
         admit
         says 42["m\u0065ssage\n\"",1]
         says 42[""]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 says message
            " 1
            s0 says
        "#]],
    );
}

#[test]
fn an_event_for_whoever_is_not_in_is_dropped() {
    check(
        "websockets in
         says 40
         emit early
         admit
         part
         emit late",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: server namespace disconnect
            w1 <- 41
        "#]],
    );
}
