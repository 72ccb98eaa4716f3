//! A connection takes up what an earlier one of its session was subscribed to.

use expect_test::expect;

use super::check;

#[test]
fn subscriptions_are_taken_up_from_where_the_client_is() {
    check(
        "4 times front publishes log:1 x
         2 times front publishes memory:1 y
         ann opens
         ann resumes log:1 a0/2 #1
         ann takes up log:1 a0/4, memory:1 a1/1, den, staff:1
         front publishes log:1 z
         front publishes den hi",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 x
            disk <- append log:1 2 x
            disk <- append log:1 3 x
            disk <- append log:1 4 x
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            front 7 <- placed a0/4
            front 7 <- placed a1/1
            front 7 <- placed a1/2
            ann <- connected as ann
            ann takes up s000000…
            ann <- #1 resumed log:1 memory:1 den
            ann <- subscribed log:1 after a0/2, recovered
            ann <- replay log:1 3 x, 4 x
            ann <- subscribed memory:1 after a1/1, recovered
            ann <- replay memory:1 2 y
            ann <- subscribed den after a2/0
            disk <- append log:1 5 z
            front 7 <- placed a0/5
            log:1 5 z -> ann
            front 7 <- placed a2/1
            den 1 hi -> ann
        "#]],
    );
}

#[test]
fn a_session_is_taken_up_once_and_first() {
    check(
        "ann opens
         ann resumes den a0/0 #1
         ann takes nothing up
         ann resumes den a0/0 #2
         ann takes up
         ann resumes den a0/0 #3
         bob opens
         bob subscribes den #1
         bob resumes den a0/0 #2",
        expect![[r#"
            ann <- connected as ann
            ann takes up s000000…
            ann <- #1 refused SESSION_UNKNOWN
            ann takes up s000000…
            ann <- #2 resumed den
            ann <- subscribed den after a0/0, recovered
            ann <- #3 refused BAD_COMMAND (Resume before subscribing, and once.)
            bob <- connected as bob
            bob <- #1 subscribed den after a0/0
            bob <- #2 refused BAD_COMMAND (Resume before subscribing, and once.)
        "#]],
    );
}

#[test]
fn no_more_is_taken_up_than_a_connection_may_be_in() {
    check(
        "ann opens
         ann resumes room:1 a0/0, room:2 a0/0, room:3 a0/0, room:4 a0/0 #1
         ann takes up room:1",
        expect![[r#"
            ann <- connected as ann
            ann takes up s000000…
            ann <- #1 resumed room:1 room:2 room:3
            ann <- subscribed room:1 after a0/0, recovered
            ann <- subscribed room:2 after a1/0, not recovered, kept from 1
            ann <- subscribed room:3 after a2/0, not recovered, kept from 1
        "#]],
    );
}
