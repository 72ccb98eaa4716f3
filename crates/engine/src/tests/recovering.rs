//! A connection goes on where an earlier one was, in all its channels at once.

use expect_test::expect;

use super::{check, check_shards};

/// Rows are counted over both logs: whoever had heard up to the third has two of one and one of the
/// other.
#[test]
fn one_number_places_all_channels_of_a_home() {
    check(
        "front publishes log:1 a
         front publishes log:2 A
         front publishes log:1 b
         front publishes log:2 B
         front publishes log:1 c
         ann opens recovering in=log:1,log:2 at=.3 rooms=log:1@a0/0,log:2@a1/0 session=7 resumed
         front publishes log:1 d",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            disk <- load log:2
            disk <- append log:2 1 A
            front 7 <- placed a1/1
            disk <- append log:1 2 b
            front 7 <- placed a0/2
            disk <- append log:2 2 B
            front 7 <- placed a1/2
            disk <- append log:1 3 c
            front 7 <- placed a0/3
            ann goes on in log:1 after a0/2, log:2 after a1/1
            ann <- connected as ann, session 7 again
            ann sits in log:1 from a0/2
            ann sits in log:2 from a1/1
            ann <- replay log:1 3 c
            ann <- replay log:2 2 B
            disk <- append log:1 4 d
            front 7 <- placed a0/4
            log:1 4 d -> ann
        "#]],
    );
}

/// What is in memory has numbers of its own, which begin behind ten in this house; those of another
/// life do not fit.
#[test]
fn what_is_in_memory_is_counted_by_itself() {
    check(
        "front publishes memory:1 a
         front publishes log:1 A
         front publishes memory:1 b
         ann opens recovering in=memory:1,log:1 at=._b rooms=memory:1@a0/0,log:1@a1/0
         bob opens recovering in=memory:1 at=.1_b9 rooms=memory:1@a0/0
         cleo opens recovering in=memory:1 at=.1 rooms=memory:1@a0/0",
        expect![[r#"
            front 7 <- placed a0/1
            disk <- load log:1
            disk <- append log:1 1 A
            front 7 <- placed a1/1
            front 7 <- placed a0/2
            ann goes on in log:1 after a1/0, memory:1 after a0/1
            ann <- connected as ann
            ann sits in log:1 from a1/0
            ann sits in memory:1 from a0/1
            ann <- replay log:1 1 A
            ann <- replay memory:1 2 b
            bob <- connected as bob
            bob sits in memory:1 from a0/2
            cleo goes on in memory:1 after a0/0
            cleo <- connected as cleo
            cleo sits in memory:1 from a0/0
            cleo <- replay memory:1 1 a, 2 b
        "#]],
    );
}

/// Whoever was catching up was not as far in some channels as in the others.
#[test]
fn channels_in_which_somebody_was_elsewhere_are_said_apart() {
    check(
        "quietly 3 times front publishes log:1 x
         quietly 3 times front publishes log:2 y
         ann opens recovering in=log:1,log:2 at=.6~1.log:1 rooms=log:1@a0/0,log:2@a1/0
         bob opens recovering in=log:1 at=.6~1.log:1 rooms=log:1@b7/0",
        expect![[r#"
            ann goes on in log:1 after a0/1, log:2 after a1/3
            ann <- connected as ann
            ann sits in log:1 from a0/1
            ann sits in log:2 from a1/3
            ann <- replay log:1 2 x, 3 x
            bob <- connected as bob
            bob sits in log:1 from a0/3
        "#]],
    );
}

/// Messages from before it took its seat are not what it has missed.
#[test]
fn nobody_gets_what_was_said_before_they_came() {
    check(
        "quietly 3 times front publishes log:1 x
         ann opens recovering in=log:1 at=.1 rooms=log:1@a0/2
         bob opens recovering in=log:1 at=. rooms=log:1@a0/2
         cleo opens recovering in=log:1 at=.1 rooms=log:1@b7/2
         dora opens recovering in=log:1 at=. rooms=log:1",
        expect![[r#"
            ann goes on in log:1 after a0/2
            ann <- connected as ann
            ann sits in log:1 from a0/2
            ann <- replay log:1 3 x
            bob goes on in log:1 after a0/2
            bob <- connected as bob
            bob sits in log:1 from a0/2
            bob <- replay log:1 3 x
            cleo <- connected as cleo
            cleo sits in log:1 from a0/3
            dora <- connected as dora
            dora sits in log:1 from a0/3
        "#]],
    );
}

/// In all of its channels or in none: `recovered` promises that nothing is missing.
#[test]
fn whoever_lacks_something_begins_anew() {
    check(
        "quietly 5 times front publishes memory:1 x
         quietly front publishes log:1 y
         ann opens recovering in=memory:1,log:1 at=.1_b rooms=memory:1@a0/1,log:1@a1/0
         bob opens recovering in=den,log:1 at=.1_b rooms=den@a2/0,log:1@a1/0
         front publishes log:1 z
         front publishes memory:1 z",
        expect![[r#"
            ann <- connected as ann
            ann sits in memory:1 from a0/5
            ann sits in log:1 from a1/1
            bob <- connected as bob
            bob sits in den from a2/0
            bob sits in log:1 from a1/1
            disk <- append log:1 2 z
            front 7 <- placed a1/2
            log:1 2 z -> ann bob
            front 7 <- placed a0/6
            memory:1 6 z -> ann
        "#]],
    );
}

/// The application has the last word on which rooms it may be in, and is told that it goes on.
#[test]
fn an_application_says_what_somebody_returns_to() {
    check(
        "quietly 2 times front publishes log:1 x
         quietly front publishes log:2 y
         ann opens returning at=.1 rooms=log:1@a0/0,staff:1@a9/1,mail:ann session=7 resumed
         front publishes log:1 z
         app returns ann to log:1,mail:ann,log:2
         app answers ann reply hi
         ann closes",
        expect![[r#"
            app <- ann returns to log:1 staff:1 mail:ann
            disk <- append log:1 3 z
            front 7 <- placed a0/3
            ann goes on in log:1 after a0/1
            ann <- connected as ann, session 7 again
            app <- ann connected recovered
            ann sits in log:1 from a0/1
            ann <- replay log:1 2 x, 3 z
            disk <- load mail:ann
            ann sits in mail:ann from somewhere
            ann <- reply hi
            app <- ann disconnected
            ann ended after 0s, leaving
        "#]],
    );
}

#[test]
fn whoever_may_not_return_begins_anew() {
    check(
        "quietly front publishes log:1 x
         ann opens returning at=.1 rooms=log:1@a0/0
         app returns ann nowhere
         app answers ann reply hi, join log:1
         bob opens returning at=.0 rooms=log:1@a0/0
         disk holds
         app returns bob to log:1
         bob closes
         disk moves",
        expect![[r#"
            app <- ann returns to log:1
            ann <- connected as ann
            ann held
            app <- ann connected
            ann <- reply hi
            ann sits in log:1 from a0/1
            ann released
            app <- bob returns to log:1
            disk <- where was log:1 at row 0
            bob ended after 0s
        "#]],
    );
}

/// What has been said before anybody is told that they are in is nobody's.
#[test]
fn an_application_never_hears_of_who_goes_before_it_is_in() {
    check(
        "quietly front publishes log:1 x
         ann opens returning at=.1 rooms=log:1@a0/0
         ann closes
         app returns ann to log:1",
        expect![[r#"
            app <- ann returns to log:1
            ann ended after 0s
        "#]],
    );
}

/// After a restart only the disk knows which row a message has (L1: and only the first asks it).
#[test]
fn a_home_that_has_forgotten_asks_the_disk() {
    check(
        "quietly front publishes log:1 x
         quietly front publishes log:2 y
         quietly front publishes log:1 z
         shard 0 fails
         ann opens recovering in=log:1 at=.1 rooms=log:1@a0/0
         bob opens recovering in=log:1 at=.2 rooms=log:1@a0/0
         disk cuts log:1 to 2
         cleo opens recovering in=log:1 at=.0 rooms=log:1@a0/0",
        expect![[r#"
            disk <- load log:1
            disk <- where was log:1 at row 1
            ann goes on in log:1 after a0/1
            ann <- connected as ann
            ann sits in log:1 from a0/1
            disk <- find log:1 After(Offset(1)) at most 128
            ann <- replay log:1 2 z
            disk <- where was log:1 at row 2
            bob goes on in log:1 after a0/1
            bob <- connected as bob
            bob sits in log:1 from a0/1
            bob <- replay log:1 2 z
            disk <- where was log:1 at row 0
            cleo <- connected as cleo
            cleo sits in log:1 from a0/2
        "#]],
    );
}

/// Homes are asked at once, and it is in when all have answered.
#[test]
fn homes_elsewhere_are_asked() {
    check_shards(
        2,
        "quietly 2 times front publishes log:1 x
         quietly 2 times front publishes log:2 y
         ann opens recovering in=log:1,log:2 at=.9.2 rooms=log:1@b0/0,log:2@b1/0
         front publishes log:1 z",
        expect![[r#"
            0 -> 1 fetch log:1 place at .9.2
            0 -> 1 fetch log:2 place at .9.2
            1 -> 0 fetched log:1 nothing after 2
            disk <- where was log:2 at row 2
            1 -> 0 fetched log:2 nothing after 0
            ann goes on in log:1 after b0/2, log:2 after b1/0
            ann <- connected as ann
            0 -> 1 follow log:1
            ann sits in log:1 from b0/2
            0 -> 1 follow log:2
            ann sits in log:2 from b1/0
            0 -> 1 fetch log:1 from After(Placed { epoch: Epoch(176), offset: Offset(2) })
            1 -> 0 followed log:1 after b0/2
            1 -> 0 followed log:2 after b1/2
            1 -> 0 fetched log:1 nothing after 2
            0 -> 1 fetch log:2 from After(Placed { epoch: Epoch(177), offset: Offset(0) })
            1 -> 0 fetched log:2 1 y, 2 y after 0
            ann <- replay log:2 1 y, 2 y
            disk <- append log:1 3 z
            1 -> 0 published log:1 b0/3
            front 7 <- placed b0/3
            log:1 3 z -> ann
        "#]],
    );
}

/// Then nobody answers any more, and it comes back.
#[test]
fn whoever_waits_for_a_home_that_forgets_comes_back() {
    check_shards(
        2,
        "quietly front publishes log:1 x
         quietly front publishes log:2 y
         bus holds
         ann opens recovering in=log:1,log:2 at=.0.0 rooms=log:1@b0/0,log:2@b1/0
         shard 0 overflows
         bus moves",
        expect![[r#"
            0 -> 1 fetch log:1 place at .0.0
            0 -> 1 fetch log:2 place at .0.0
            ann closed SHARD_FAILED
            ann ended after 0s
            0 -> 1 forgot
            disk <- where was log:1 at row 0
            disk <- where was log:2 at row 0
            1 -> 0 follow only 
            0 -> 1 followed 
            1 -> 0 fetched log:1 nothing after 0
            1 -> 0 fetched log:2 nothing after 0
        "#]],
    );
}

/// A home that has forgotten a log which was told before it was written does not know any more
/// which of its messages had which number, whoever has read it meanwhile.
#[test]
fn a_home_that_has_forgotten_promises_nothing_of_what_was_not_on_disk() {
    check(
        "quietly front publishes quick:1 a
         quietly 2 times front publishes quick:1 b
         quietly +200s
         ann opens recovering in=quick:1 at=._b rooms=quick:1@a0/0
         quietly +200s
         quietly cleo opens
         quietly cleo reads quick:1 after 0 #3
         bob opens recovering in=quick:1 at=._b rooms=quick:1@a0/0",
        expect![[r#"
            at 200s
            disk <- load quick:1
            ann <- connected as ann
            ann sits in quick:1 from a0/3
            bob <- connected as bob
            bob sits in quick:1 from a0/3
        "#]],
    );
}

/// One channel after the other, each when the one before has left the outbox.
#[test]
fn whoever_has_missed_something_in_many_channels_is_not_buried() {
    check(
        "quietly 2 times front publishes log:1 x
         quietly front publishes log:2 y
         quietly front publishes log:3 z
         ann dawdles
         ann opens recovering in=log:1,log:2,log:3 at=.0 rooms=log:1@a0/0,log:2@a1/0,log:3@a2/1
         front publishes log:2 late
         nobody dawdles
         front publishes log:1 live",
        expect![[r#"
            disk <- where was log:1 at row 0
            disk <- where was log:2 at row 0
            disk <- where was log:3 at row 0
            ann goes on in log:1 after a0/0, log:2 after a1/0, log:3 after a2/1
            ann <- connected as ann
            ann sits in log:1 from a0/0
            ann sits in log:2 from a1/0
            ann sits in log:3 from a2/1
            ann <- replay log:1 1 x, 2 x
            ann <- replay log:2 1 y
            disk <- append log:2 2 late
            front 7 <- placed a1/2
            log:2 2 late -> ann
            disk <- append log:1 3 live
            front 7 <- placed a0/3
            log:1 3 live -> ann
        "#]],
    );
}

/// Else a client could begin anywhere in a log that it may not read back.
#[test]
fn where_somebody_sat_has_to_be_known() {
    check(
        "quietly 5 times front publishes log:1 secret
         ann opens returning at=.1 rooms=log:1
         app returns ann to log:1
         bob opens returning at=.1 rooms=log:2@a7/0
         app returns bob to log:1",
        expect![[r#"
            app <- ann returns to log:1
            ann <- connected as ann
            ann held
            app <- ann connected
            app <- bob returns to log:2
            bob <- connected as bob
            bob held
            app <- bob connected
        "#]],
    );
}

/// With words for the client, which has not been told that it is in.
#[test]
fn whoever_may_not_stay_is_closed_before_it_is_in() {
    check(
        "quietly front publishes log:1 x
         ann opens returning at=.1 rooms=log:1@a0/0 for=5s
         +6s
         app returns ann to log:1
         bob opens returning at=.1 rooms=log:1@a0/0
         front disconnects user bob
         app returns bob to log:1
         cleo opens returning at=.1 rooms=log:1@a0/0
         +11s",
        expect![[r#"
            app <- ann returns to log:1
            ann <- expiring at 5 in 5.1s
            at 5.1s
            ann closed TOKEN_EXPIRED
            ann ended after 5.1s
            at 6s
            app <- bob returns to log:1
            bob closed DISCONNECTED
            bob ended after 0s
            front 7 <- disconnected 1
            app <- cleo returns to log:1
            at 16s
            cleo closed BUSY
            cleo ended after 10s
        "#]],
    );
}
