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

/// What was never sent to whoever was still behind is not skipped when they come back.
#[test]
fn whoever_is_lost_in_the_middle_of_a_log_goes_on_there() {
    check(
        "ann opens session=5
         ann dawdles
         quietly 131 times front publishes log:1 x
         ann subscribes log:1 since a0/1 #1
         ann closes",
        expect![[r#"
            ann <- connected as ann, session 5
            ann <- #1 subscribed log:1 after a0/1, recovered
            ann <- replay log:1 2 x, 3 x, 4 x, 5 x, 6 x, 7 x, 8 x, 9 x, 10 x, 11 x, 12 x, 13 x, 14 x, 15 x, 16 x, 17 x, 18 x, 19 x, 20 x, 21 x, 22 x, 23 x, 24 x, 25 x, 26 x, 27 x, 28 x, 29 x, 30 x, 31 x, 32 x, 33 x, 34 x, 35 x, 36 x, 37 x, 38 x, 39 x, 40 x, 41 x, 42 x, 43 x, 44 x, 45 x, 46 x, 47 x, 48 x, 49 x, 50 x, 51 x, 52 x, 53 x, 54 x, 55 x, 56 x, 57 x, 58 x, 59 x, 60 x, 61 x, 62 x, 63 x, 64 x, 65 x, 66 x, 67 x, 68 x, 69 x, 70 x, 71 x, 72 x, 73 x, 74 x, 75 x, 76 x, 77 x, 78 x, 79 x, 80 x, 81 x, 82 x, 83 x, 84 x, 85 x, 86 x, 87 x, 88 x, 89 x, 90 x, 91 x, 92 x, 93 x, 94 x, 95 x, 96 x, 97 x, 98 x, 99 x, 100 x, 101 x, 102 x, 103 x, 104 x, 105 x, 106 x, 107 x, 108 x, 109 x, 110 x, 111 x, 112 x, 113 x, 114 x, 115 x, 116 x, 117 x, 118 x, 119 x, 120 x, 121 x, 122 x, 123 x, 124 x, 125 x, 126 x, 127 x, 128 x, 129 x
            ann ended after 0s, leaving log:1 a0/129
        "#]],
    );
}
