//! How much one client can make an application consider, by knocking and leaving while it thinks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use app::{App, Message, Visitor};
use async_trait::async_trait;
use config::AppKind;
use proto::{Action, Refusal};
use tokio::sync::Semaphore;

use super::{WITHIN, WebSocket, World};
use crate::boot;

/// As many as one line may have namespaces (F12).
const NAMESPACES_MAX: u32 = 16;

/// An application that thinks for as long as the test likes.
#[derive(Debug)]
struct Doorman {
    door: Semaphore,
    /// Where those who have come in are met.
    hall: Semaphore,
    asked: AtomicUsize,
    met: AtomicUsize,
}

#[async_trait]
impl App for Doorman {
    async fn admit(&self, _visitor: &Visitor) -> Result<(), Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _passed = self.door.acquire().await.expect("it is not torn down");
        Ok(())
    }

    async fn connected(&self, _visitor: &Visitor) -> Vec<Action> {
        self.met.fetch_add(1, Ordering::Relaxed);
        let _greeted = self.hall.acquire().await.expect("it is not torn down");
        Vec::new()
    }

    async fn message(&self, _visitor: &Visitor, _message: Message) -> Vec<Action> {
        Vec::new()
    }
}

impl Doorman {
    /// One who lets nobody pass yet, and the house whose door it keeps.
    fn of(limits: &str) -> (Arc<Self>, World) {
        Self::who_lets_pass((0, 1), limits)
    }

    /// One who lets so many pass at a time, and greets so many.
    fn who_lets_pass(many: (usize, usize), limits: &str) -> (Arc<Self>, World) {
        let (door, hall) = (Semaphore::new(many.0), Semaphore::new(many.1));
        let (asked, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let doorman = Arc::new(Self { door, hall, asked, met });
        let app: Arc<dyn App> = Arc::<Self>::clone(&doorman);
        let world = World::of(2, limits, |config| {
            boot::open_with(config, false, |_, _, _| Ok(vec![("echo".into(), AppKind::Echo, app)]))
        });
        (doorman, world)
    }

    /// Lets everyone pass from now on.
    fn opens(&self) {
        self.door.add_permits(1);
    }

    /// How many it was asked about, and how many of them came in.
    fn saw(&self) -> (usize, usize) {
        (self.asked.load(Ordering::Relaxed), self.met.load(Ordering::Relaxed))
    }

    /// It meets people a moment after they are counted.
    fn meets(&self, count: usize) {
        let began = Instant::now();
        while self.saw().1 < count {
            assert!(began.elapsed() < WITHIN, "{:?}", self.saw());
            thread::yield_now();
        }
    }
}

fn coming_and_going() -> Vec<String> {
    (0..NAMESPACES_MAX).flat_map(|_| ["40".to_owned(), "41".to_owned()]).collect()
}

fn staying() -> Vec<String> {
    (0..NAMESPACES_MAX).map(|it| format!("40/{it},")).collect()
}

/// F12: leaving takes back no question that was asked, so it makes no room for another.
#[test]
fn coming_and_going_asks_no_more_than_staying_does() {
    for (first, one_more) in [
        (coming_and_going(), "40"),
        (staying(), "41/3,\u{1e}40/3,"),
        (staying(), "41/3,\u{1e}40/x,"),
    ] {
        let (doorman, world) = Doorman::of("limits = \"none\"");
        let line = world.open();
        assert_eq!(line.says(&[&first.join("\u{1e}")]).0, 200);
        world.until((NAMESPACES_MAX, 0));
        assert_eq!(line.says(&["6"]).0, 200, "it is still here");
        line.says(&[one_more]);
        assert_eq!(world.ask("GET", &line.query, "").0, 400, "{one_more} ends the line");
        // It is gone, and what it asked counts as long as it is considered.
        assert_eq!(world.counted(), (NAMESPACES_MAX, 0));
        doorman.opens();
        world.until((0, 0));
        assert_eq!(doorman.saw(), (16, 0), "nobody who left comes in");
    }
}

/// F12: nor is anyone greeted who has left, more often than so many could stay.
#[test]
fn whoever_is_being_greeted_counts_until_that_is_over() {
    let (doorman, world) = Doorman::who_lets_pass((1, 0), "limits = \"none\"");
    let line = world.open();
    for turn in 1..=NAMESPACES_MAX as usize {
        assert_eq!(line.says(&["40"]).0, 200);
        doorman.meets(turn);
        assert_eq!(line.says(&["41"]).0, 200);
    }
    line.says(&["40"]);
    assert_eq!(world.ask("GET", &line.query, "").0, 400, "one more ends the line");
    doorman.hall.add_permits(1);
    world.until((0, 0));
    assert_eq!(doorman.saw(), (16, 16));
}

/// F12: a line comes and goes no more often than handshakes may follow each other.
#[test]
fn a_line_that_comes_and_goes_is_an_attempt_each_time() {
    let limits = "limits = { attempts_per_address = \"3/h\" }";
    let (doorman, world) = Doorman::who_lets_pass((1, 1), limits);
    let line = world.open();
    for turn in 1..=NAMESPACES_MAX as usize + 2 {
        assert_eq!(line.says(&["40"]).0, 200);
        doorman.meets(turn);
        assert_eq!(line.says(&["41"]).0, 200);
        world.until((1, 0));
    }
    line.says(&["40"]);
    let mut told = String::new();
    while !told.contains("44{") {
        told = world.ask("GET", &line.query, "").1;
    }
    assert!(told.contains("TOO_MANY_ATTEMPTS"), "{told}");
    assert_eq!(doorman.saw().0, 18);
}

/// The bound is on what is considered at a time: whoever was answered may ask again.
#[test]
fn whoever_has_been_answered_may_knock_again() {
    let (doorman, world) = Doorman::of("limits = \"none\"");
    let line = world.open();
    assert_eq!(line.says(&[&coming_and_going().join("\u{1e}")]).0, 200);
    world.until((NAMESPACES_MAX, 0));
    doorman.opens();
    world.until((1, 0));
    let line = line.joins();
    doorman.meets(1);
    assert_eq!((world.counted(), doorman.saw()), ((1, 1), (17, 1)));
    drop(line);
}

/// C3: each question holds the seat that it was asked with, whatever became of its line. So one
/// address has no more of them considered than it may have connections, by however many lines.
#[test]
fn many_lines_ask_no_more_than_their_address_may_have_connections() {
    const SEATS: u32 = 20;
    let limits = "limits = { connections_per_address = 20, attempts_per_address = \"none\" }";
    let (doorman, world) = Doorman::of(limits);
    for gone in 0..4 {
        let line = world.open();
        world.until((gone + 1, 0));
        assert_eq!(line.says(&["40", "1"]).0, 200);
    }
    let url = "/s/?EIO=4&transport=websocket";
    let mut link = WebSocket::open(world.house.address, url);
    assert!(link.hears().starts_with("0{"));
    staying()[..14].iter().for_each(|it| link.says(it));
    world.until((18, 0));
    // Whose socket is lost has left everywhere.
    drop(link);
    let line = world.open();
    assert_eq!(line.says(&["40/a,", "40/b,", "40/c,"]).0, 200);
    // The last one has no seat, and is told so at once; nobody is asked about it.
    let told = line.hears();
    assert!(told.starts_with("44/c,{") && told.contains("TOO_MANY_CONNECTIONS"), "{told}");
    assert_eq!(world.counted(), (SEATS, 0));
    assert_eq!(world.ask("GET", "", "").0, 429);

    doorman.opens();
    world.until((2, 2));
    doorman.meets(2);
    assert_eq!(doorman.saw(), (20, 2));
    assert_eq!(line.says(&["1"]).0, 200);
    world.until((0, 0));
}

/// An application that fails at someone who has left fails at nobody.
#[test]
fn a_question_that_fails_gives_its_seat_back() {
    let (doorman, world) = Doorman::of("limits = \"none\"");
    let line = world.open();
    assert_eq!(line.says(&["40", "41", "40/a,", "1"]).0, 200);
    world.until((2, 0));
    // Both calls panic.
    doorman.door.close();
    world.until((0, 0));
    assert_eq!(doorman.saw(), (2, 0));
    world.settle();
}
