//! Mailboxes and cursors: what waits for whoever is away, and how far everyone has come.

use expect_test::expect;

use super::check;

#[test]
fn mail_waits_and_comes_in_order_until_it_is_acknowledged() {
    check(
        "front publishes mail:1 a
         front publishes mail:1 b
         ann opens
         ann subscribes mail:1 #1
         ann acks mail:1 1 #2
         front publishes mail:1 c
         ann closes
         front publishes mail:1 d
         ann opens
         ann subscribes mail:1 #3
         ann acks mail:1 4
         front asks for mail:1 of ann
         ann closes
         ann opens
         ann subscribes mail:1 #4",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            disk <- append mail:1 2 b
            front 7 <- placed a0/2
            ann <- connected as ann
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 2
            ann <- replay mail:1 1 a, 2 b
            disk <- move ann in mail:1 to 1/0
            ann <- #2 marked mail:1 delivered 1 read 0 unread 2
            disk <- append mail:1 3 c
            front 7 <- placed a0/3
            mail:1 3 c -> ann
            ann ended after 0s
            disk <- append mail:1 4 d
            front 7 <- placed a0/4
            ann <- connected as ann
            ann <- #3 subscribed mail:1 after a0/1, recovered, delivered 1 read 0 unread 4
            ann <- replay mail:1 2 b, 3 c, 4 d
            disk <- move ann in mail:1 to 4/0
            front 7 <- delivered 4 read 0 unread 4
            ann ended after 0s
            ann <- connected as ann
            ann <- #4 subscribed mail:1 after a0/4, recovered, delivered 4 read 0 unread 4
        "#]],
    );
}

#[test]
fn mail_is_sent_again_with_patience_and_then_given_up() {
    check(
        "ann opens
         ann subscribes mail:1 #1
         front publishes mail:1 a
         +9s
         front publishes mail:1 b
         16 times ann waits 20s
         ann acks mail:1 2
         +15s",
        expect![[r#"
            ann <- connected as ann
            disk <- load mail:1
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 0
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            mail:1 1 a -> ann
            at 9s
            disk <- append mail:1 2 b
            front 7 <- placed a0/2
            mail:1 2 b -> ann
            at 10s
            ann <- replay mail:1 1 a, 2 b
            at 25s
            ann <- ping frame
            at 30s
            ann <- replay mail:1 1 a, 2 b
            at 70s
            ann <- replay mail:1 1 a, 2 b
            at 150s
            ann <- replay mail:1 1 a, 2 b
            at 310s
            ann <- replay mail:1 1 a, 2 b
            at 329s
            disk <- move ann in mail:1 to 2/0
        "#]],
    );
}

#[test]
fn an_acknowledgement_in_time_is_the_end_of_it() {
    check(
        "ann opens quiet
         ann subscribes mail:1 #1
         front publishes mail:1 a
         front publishes mail:1 b
         ann acks mail:1 1
         +5s
         ann acks mail:1 2
         +20s",
        expect![[r#"
            ann <- connected as ann
            disk <- load mail:1
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 0
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            mail:1 1 a -> ann
            disk <- append mail:1 2 b
            front 7 <- placed a0/2
            mail:1 2 b -> ann
            disk <- move ann in mail:1 to 1/0
            at 5s
            disk <- move ann in mail:1 to 2/0
        "#]],
    );
}

#[test]
fn a_client_that_cannot_acknowledge_is_proved_by_a_ping() {
    check(
        "front publishes mail:1 a
         ann opens plain in=mail:1
         front publishes mail:1 b
         +1s
         ann echoes
         front asks for mail:1 of ann
         front publishes mail:1 c
         ann closes
         ann opens plain in=mail:1
         +1s
         ann echoes
         +2s
         front asks for mail:1 of ann",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            ann <- connected as ann
            ann <- replay mail:1 1 a
            disk <- append mail:1 2 b
            front 7 <- placed a0/2
            mail:1 2 b -> ann
            at 1s
            ann <- ping frame
            disk <- move ann in mail:1 to 2/0
            front 7 <- delivered 2 read 0 unread 2
            disk <- append mail:1 3 c
            front 7 <- placed a0/3
            mail:1 3 c -> ann
            ann ended after 1s
            ann <- connected as ann
            ann <- replay mail:1 3 c
            at 2s
            ann <- ping frame
            disk <- move ann in mail:1 to 3/0
            at 4s
            front 7 <- delivered 3 read 0 unread 3
        "#]],
    );
}

#[test]
fn a_pong_that_answers_nothing_later_proves_nothing() {
    check(
        "ann opens plain in=mail:1
         front publishes mail:1 a
         ann echoes 0
         +1s
         ann echoes 0
         front asks for mail:1 of ann
         ann echoes 1
         front asks for mail:1 of ann",
        expect![[r#"
            ann <- connected as ann
            disk <- load mail:1
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            mail:1 1 a -> ann
            at 1s
            ann <- ping frame
            front 7 <- delivered 0 read 0 unread 1
            disk <- move ann in mail:1 to 1/0
            front 7 <- delivered 1 read 0 unread 1
        "#]],
    );
}

#[test]
fn what_was_cut_from_a_mailbox_is_said_to_be_missing() {
    check(
        "ann opens
         ann subscribes mail:1 #1
         5 times front publishes mail:1 x
         ann acks mail:1 2
         ann closes
         +1000s
         disk cuts mail:1 to 4
         ann opens
         ann subscribes mail:1 #2",
        expect![[r#"
            ann <- connected as ann
            disk <- load mail:1
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 0
            disk <- append mail:1 1 x
            disk <- append mail:1 2 x
            disk <- append mail:1 3 x
            disk <- append mail:1 4 x
            disk <- append mail:1 5 x
            front 7 <- placed a0/1
            mail:1 1 x -> ann
            front 7 <- placed a0/2
            mail:1 2 x -> ann
            front 7 <- placed a0/3
            mail:1 3 x -> ann
            front 7 <- placed a0/4
            mail:1 4 x -> ann
            front 7 <- placed a0/5
            mail:1 5 x -> ann
            disk <- move ann in mail:1 to 2/0
            ann ended after 0s
            at 1000s
            ann <- connected as ann
            disk <- load mail:1
            disk <- find mail:1 After(Offset(2)) at most 128
            ann <- #2 subscribed mail:1 after a0/3, not recovered, kept from 4, delivered 2 read 0 unread 5
            ann <- replay mail:1 4 x, 5 x
        "#]],
    );
}

#[test]
fn cursors_go_forward_and_no_further_than_there_is_something() {
    check(
        "ann opens
         ann acks talk:1 1 #1
         ann subscribes talk:1 #2
         3 times front publishes talk:1 x
         ann has-read talk:1 2 #3
         ann acks talk:1 3 #4
         ann has-read talk:1 1 #5
         ann acks talk:1 9 #6
         ann subscribes den #7
         ann acks den 0 #8
         ann unsubscribes talk:1
         ann subscribes talk:1 #9
         bob opens anonymous
         bob subscribes talk:1 #1
         bob acks talk:1 1 #2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused NOT_SUBSCRIBED
            ann <- #2 subscribed talk:1 after a0/0, delivered 0 read 0 unread 0
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            talk:1 1 x -> ann
            talk:1 2 x -> ann
            talk:1 3 x -> ann
            ann <- #3 marked talk:1 delivered 2 read 2 unread 1
            ann <- #4 marked talk:1 delivered 3 read 2 unread 1
            ann <- #5 marked talk:1 delivered 3 read 2 unread 1
            ann <- #6 refused BAD_OFFSET
            ann <- #7 subscribed den after a1/0
            ann <- #8 refused NO_LOG (Nobody's place is kept in this channel.)
            ann <- #9 subscribed talk:1 after a0/3, delivered 3 read 2 unread 1
            bob <- connected as nobody
            bob <- #1 subscribed talk:1 after a0/3
            bob <- #2 refused DENIED (Only users have cursors.)
        "#]],
    );
}

#[test]
fn a_cursor_that_the_disk_refuses_is_not_confirmed() {
    check(
        "front publishes mail:1 a
         ann opens
         ann subscribes mail:1 #1
         disk fails
         ann acks mail:1 1 #2
         disk works
         ann acks mail:1 1 #3",
        expect![[r#"
            disk <- load mail:1
            disk <- append mail:1 1 a
            front 7 <- placed a0/1
            ann <- connected as ann
            ann <- #1 subscribed mail:1 after a0/0, recovered, delivered 0 read 0 unread 1
            ann <- replay mail:1 1 a
            disk <- move ann in mail:1 to 1/0
            ann <- #2 refused STORE_UNAVAILABLE
            disk <- move ann in mail:1 to 1/0
            ann <- #3 marked mail:1 delivered 1 read 0 unread 1
        "#]],
    );
}
