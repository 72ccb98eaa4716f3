//! Dashboards that were cut off and return: what each is told again, and what nobody is.

use std::{sync::Arc, time::Duration};

use app::{Action, App, Message, Visitor};
use proto::{ConnId, Identity};
use serde_json::json;
use tokio::time::advance;

use super::{ADMIN, STAFF, TRAINER, WAY, World, open, stories::brief, visitor};

/// Long enough for everything told to have arrived.
const SETTLED: Duration = Duration::from_secs(2);

/// A dashboard: whose, its connection, the last number of its address, and its token.
#[derive(Clone, Copy)]
struct Tab(&'static str, u32, u8, &'static str);

const DESK: Tab = Tab(STAFF, 1, 1, "t1");

impl Tab {
    fn visitor(self) -> Visitor {
        let Self(user, conn, address, token) = self;
        let visitor = visitor(user);
        let identity = Identity::clone(visitor.identity.as_ref().unwrap());
        let identity = Identity { token_id: Some(token.into()), ..identity };
        Visitor {
            conn: ConnId::new(conn, 0),
            identity: Some(Arc::new(identity)),
            address: [192, 0, 2, address].into(),
            ..visitor
        }
    }
}

impl World {
    /// What a dashboard hears as it comes, after its stats.
    async fn comes(&mut self, tab: Tab) -> Vec<String> {
        let actions = self.app.connected(&tab.visitor()).await;
        let told: Vec<_> = actions.iter().map(|it| brief(&self.line(it))).collect();
        assert_eq!(told[0], "you < initial_stats");
        told[1..].iter().map(|it| it["you < ".len()..].to_owned()).collect()
    }

    async fn goes(&self, tab: Tab) {
        assert_eq!(self.app.disconnected(&tab.visitor()).await, []);
    }

    async fn beats(&self, tab: Tab) {
        let beat = Message::Text(r#"{"type":"heartbeat"}"#.into());
        assert!(matches!(self.app.message(&tab.visitor(), beat).await[..], [Action::Reply(_)]));
    }

    /// The admin lets a member in; the visit is seen.
    async fn lets_in(&mut self, number: u32) {
        let said = format!(r#"{{"type":"check_in","data":{{"memberId":"GYM-{number:04}"}}}}"#);
        assert_eq!(self.says(ADMIN, &said).await.len(), 2);
        self.hears_all().await;
    }

    async fn hears_all(&mut self) {
        self.follows().await;
        advance(SETTLED).await;
    }

    /// As after `kill -9`: nobody was told that anyone is gone.
    fn dies(&mut self) {
        self.app = open(&self.dir, &self.gateway, &self.now);
    }
}

/// R79, R81: in order, each once, after the stats; and once told, not again.
#[tokio::test(start_paused = true)]
async fn who_returns_is_told_what_they_missed() {
    let mut world = World::empty().await;
    assert!(world.comes(DESK).await.is_empty());
    world.lets_in(2).await;
    world.goes(DESK).await;
    world.lets_in(3).await;
    world.says(ADMIN, r##"{"type":"check_out","data":{"checkInId":"#1"}}"##).await;
    world.hears_all().await;
    let back = Tab(STAFF, 2, 1, "t1");
    let missed = [
        "member_checked_in #3",
        "check_in_update #3 checked_in",
        "member_checked_out #1",
        "check_in_update #1 checked_out",
    ];
    assert_eq!(world.comes(back).await, missed);
    advance(SETTLED).await;
    world.goes(back).await;
    assert!(world.comes(DESK).await.is_empty());
}

/// By its user, and its token or its address.
#[tokio::test(start_paused = true)]
async fn only_who_was_away_is_told_again() {
    let mut world = World::empty().await;
    let stays = Tab(STAFF, 2, 1, "t1");
    for tab in [DESK, stays] {
        assert!(world.comes(tab).await.is_empty());
    }
    advance(SETTLED).await;
    world.goes(DESK).await;
    world.lets_in(2).await;
    for other in [Tab(TRAINER, 3, 1, "t1"), Tab(ADMIN, 4, 1, "t1"), Tab(STAFF, 5, 2, "t2")] {
        assert!(world.comes(other).await.is_empty(), "a stranger to this absence");
    }
    let on_the_way = Tab(STAFF, 6, 3, "t1");
    assert_eq!(world.comes(on_the_way).await.len(), 2);

    advance(SETTLED).await;
    world.goes(on_the_way).await;
    world.lets_in(3).await;
    let signed_in_anew = Tab(STAFF, 7, 3, "t3");
    assert_eq!(world.comes(signed_in_anew).await[0], "member_checked_in #3");
}

/// What the news will still tell it as one of all is not told twice.
#[tokio::test(start_paused = true)]
async fn who_returns_within_the_pause_hears_the_rest_with_the_others() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.goes(DESK).await;
    world.says(ADMIN, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    assert_eq!(world.comes(DESK).await, ["member_checked_in #1"]);
    assert_eq!(brief(&world.follows().await[0]), "all < check_in_update #1 checked_in");
}

/// What was told in the last second before the end may have been on the way.
#[tokio::test(start_paused = true)]
async fn what_was_in_flight_is_told_again() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.lets_in(2).await;
    world.says(ADMIN, r#"{"type":"check_in","data":{"memberId":"GYM-0003"}}"#).await;
    world.goes(DESK).await;
    world.hears_all().await;
    let missed = ["member_checked_in #3", "check_in_update #3 checked_in"];
    // Its line breaks twice more before anything can have come through.
    for _ in 0..3 {
        assert_eq!(world.comes(DESK).await, missed);
        world.goes(DESK).await;
    }
}

/// Scripts sign in for each step, and the client's own tests do: each finds its stats, and then
/// what it does itself.
#[tokio::test(start_paused = true)]
async fn who_signs_in_anew_hears_only_what_happened_since() {
    let mut world = World::empty().await;
    let steps = [Tab(STAFF, 1, 1, "t1"), Tab(STAFF, 2, 1, "t2"), Tab(STAFF, 3, 1, "t3")];
    for (index, step) in steps.into_iter().enumerate() {
        assert!(world.comes(step).await.is_empty());
        let said = format!(r#"{{"type":"check_in","data":{{"memberId":"GYM-000{}"}}}}"#, index + 2);
        assert_eq!(brief(&world.says(ADMIN, &said).await[0])[..22], *"you < check_in_success");
        world.goes(step).await;
    }
    world.lets_in(9).await;
    assert_eq!(world.comes(Tab(STAFF, 4, 1, "t4")).await[0], "member_checked_in #7");
}

#[tokio::test(start_paused = true)]
async fn of_more_than_a_hundred_the_newest_are_told_again() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.goes(DESK).await;
    for _ in 0..51 {
        let told = world.says(ADMIN, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
        let id = super::frame(&told[0])["payload"]["id"].clone();
        let said = json!({ "type": "check_out", "data": { "checkInId": id } });
        world.says(ADMIN, &said.to_string()).await;
    }
    world.hears_all().await;
    let told = world.comes(DESK).await;
    assert_eq!((told.len(), told[0].starts_with("member_checked_in")), (200, true));
    assert!(told[199].ends_with("checked_out"), "{}", told[199]);
    let first = world
        .app
        .book
        .ask(|db| db.query_row("SELECT min(seq) FROM changes", [], |it| it.get::<_, i64>(0)));
    assert_eq!(first.await.unwrap(), 3);
}

/// Half of what may wait for a slow reader, whatever people write into notes.
#[tokio::test(start_paused = true)]
async fn what_is_told_again_is_bounded_in_bytes_too() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.goes(DESK).await;
    let notes = "\u{1}".repeat(500);
    for _ in 0..50 {
        let data = json!({ "memberId": "GYM-0002", "notes": notes });
        let said = json!({ "type": "check_in", "data": data });
        let told = world.says(ADMIN, &said.to_string()).await;
        let id = super::frame(&told[0])["payload"]["id"].clone();
        let said = json!({ "type": "check_out", "data": { "checkInId": id } });
        world.says(ADMIN, &said.to_string()).await;
    }
    world.hears_all().await;
    let actions = world.app.connected(&DESK.visitor()).await;
    let bytes = actions.iter().map(|it| {
        let Action::Reply(Message::Text(text)) = it else { panic!("not expected: {it:?}") };
        text.len()
    });
    let bytes: usize = bytes.sum();
    assert!((400 * 1024..513 * 1024).contains(&bytes), "{bytes}");
}

/// L10: by a clock that does not jump, whatever the one on the wall does.
#[tokio::test(start_paused = true)]
async fn after_ten_minutes_a_page_begins_anew() {
    for (away, told) in [(9 * 60, 2), (10 * 60 + 1, 0)] {
        let mut world = World::empty().await;
        world.comes(DESK).await;
        advance(SETTLED).await;
        world.goes(DESK).await;
        world.minutes_pass(if told == 0 { -90 } else { 7 * 24 * 60 });
        world.lets_in(2).await;
        advance(Duration::from_secs(away) - SETTLED).await;
        assert_eq!(world.comes(DESK).await.len(), told, "after {away} s");
    }
}

/// R128: whoever was there or away when the process was killed.
#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_forgets_nobodys_absence() {
    let mut world = World::empty().await;
    let gone = Tab(TRAINER, 9, 9, "t9");
    for tab in [DESK, gone] {
        world.comes(tab).await;
    }
    world.lets_in(2).await;
    world.goes(gone).await;
    world.lets_in(3).await;
    // The news of these have been told for long, and were written down as such.
    tokio::time::sleep(SETTLED).await;
    world.says(ADMIN, r#"{"type":"check_in","data":{"memberId":"GYM-0004"}}"#).await;
    world.dies();
    let last = ["member_checked_in #5", "check_in_update #5 checked_in"];
    assert_eq!(world.comes(DESK).await, last, "nobody knows whether it came through");
    assert_eq!(world.comes(gone).await.len(), 4, "those of #3 and #5");

    // Killed again, as these were on the way; and again after they came through.
    world.dies();
    assert_eq!(world.comes(DESK).await, last);
    tokio::time::sleep(SETTLED).await;
    world.dies();
    assert!(world.comes(DESK).await.is_empty());
}

/// Nobody can say which of two tabs of one browser is which: each gets what either has missed.
#[tokio::test(start_paused = true)]
async fn of_two_tabs_that_left_at_different_times_each_misses_nothing() {
    let mut world = World::empty().await;
    let other = Tab(STAFF, 2, 1, "t1");
    for tab in [DESK, other] {
        world.comes(tab).await;
    }
    advance(SETTLED).await;
    world.goes(DESK).await;
    world.lets_in(2).await;
    world.goes(other).await;
    world.lets_in(3).await;
    for tab in [other, DESK] {
        assert_eq!(world.comes(tab).await.len(), 4);
    }
}

/// Somebody opens a new page while the old one still waits to return.
#[tokio::test(start_paused = true)]
async fn a_new_page_takes_nothing_from_one_that_is_away() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.goes(DESK).await;
    world.lets_in(2).await;
    for tab in [Tab(STAFF, 2, 1, "t1"), DESK] {
        assert_eq!(world.comes(tab).await.len(), 2);
    }
}

/// A cable that is pulled closes nothing: the gateway finds out by its ping, up to 35 s later.
#[tokio::test(start_paused = true)]
async fn who_was_cut_off_without_a_goodbye_was_away_since_their_last_heartbeat() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.beats(DESK).await;
    world.lets_in(2).await;
    advance(Duration::from_secs(20)).await;
    // It may be back before its end is noticed.
    let back = Tab(STAFF, 2, 1, "t1");
    let missed = ["member_checked_in #1", "check_in_update #1 checked_in"];
    assert_eq!(world.comes(back).await, missed);
    advance(Duration::from_secs(13)).await;
    world.goes(DESK).await;
    // What the ghost leaves behind is not its successor's, but would be another's.
    world.goes(back).await;
    assert!(world.comes(back).await.is_empty());

    world.beats(back).await;
    world.lets_in(3).await;
    advance(Duration::from_secs(33)).await;
    world.goes(back).await;
    assert_eq!(world.comes(DESK).await[0], "member_checked_in #3");
}

/// One that never says anything is there as long as its connection is.
#[tokio::test(start_paused = true)]
async fn who_is_silent_by_nature_is_told_nothing_twice() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    world.lets_in(2).await;
    advance(Duration::from_secs(100)).await;
    world.goes(DESK).await;
    assert!(world.comes(DESK).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_came_does_not_leave() {
    let mut world = World::empty().await;
    world.goes(DESK).await;
    world.lets_in(2).await;
    assert!(world.comes(DESK).await.is_empty());
}

/// R79: what is committed is told, also when whoever asked for it over HTTP has hung up by then.
#[tokio::test(start_paused = true)]
async fn who_hangs_up_is_still_told_of() {
    let mut world = World::empty().await;
    let hold = world.gateway.way.acquire_many(WAY.try_into().unwrap()).await.unwrap();
    {
        let body = json!({ "memberId": "GYM-0002" });
        let asks = world.asks(STAFF, "POST /api/checkins/", Some(body));
        let committed = async {
            let count = |db: &mut rusqlite::Connection| super::super::changes::newest(db);
            while world.app.book.ask(count).await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = asks => panic!("answered before anyone was told: {answer:?}"),
            () = committed => {}
        }
    }
    drop(hold);
    assert_eq!(brief(&world.follows().await[0]), "all < member_checked_in #1");
}

/// What was told again had been shown to all others, and is still owed to this one.
#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_while_it_tells_again_owes_it_still() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    advance(SETTLED).await;
    world.goes(DESK).await;
    world.lets_in(2).await;
    tokio::time::sleep(SETTLED).await;
    for _ in 0..2 {
        assert_eq!(world.comes(DESK).await.len(), 2);
        world.dies();
    }
    world.comes(DESK).await;
    tokio::time::sleep(SETTLED).await;
    world.dies();
    assert!(world.comes(DESK).await.is_empty());
}

/// A page opened beside one that has returned more than once hears what that one last missed, as
/// it may be the one that missed it.
#[tokio::test(start_paused = true)]
async fn an_absence_that_is_over_is_forgotten_with_the_next() {
    let mut world = World::empty().await;
    world.comes(DESK).await;
    for number in [2, 3] {
        advance(SETTLED).await;
        world.goes(DESK).await;
        world.lets_in(number).await;
        assert_eq!(world.comes(DESK).await.len(), 2);
    }
    assert_eq!(world.comes(Tab(STAFF, 2, 1, "t1")).await[0], "member_checked_in #3");
}
