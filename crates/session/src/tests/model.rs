//! Whatever happens, sessions are what a plain list of them would be.

use std::time::Duration;

use proptest::prelude::*;
use proto::SessionId;

use super::{WALL, World, identity, left, seat};
use crate::{Bounds, Left, Place, Policy, Sessions, WhenFull};

#[derive(Clone, Copy, Debug)]
enum Act {
    Start { user: u8 },
    Lose { nth: usize, left: u8 },
    Note { nth: usize, note: Note },
    Part { nth: usize },
    Resume { nth: usize, user: u8 },
    Borrow { nth: usize },
    End { nth: usize },
    Pass { seconds: u64 },
    Jump { to: u64 },
    Sweep,
}

/// What happens to the channels of a live session.
#[derive(Clone, Copy, Debug)]
enum Note {
    Sit(u8),
    SitOnly(u8),
    Rise(u8),
    Take,
}

fn note() -> impl Strategy<Value = Note> {
    prop_oneof![
        3 => (0_u8..6).prop_map(Note::Sit),
        1 => (0_u8..6).prop_map(Note::SitOnly),
        1 => (0_u8..6).prop_map(Note::Rise),
        1 => Just(Note::Take),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..3).prop_map(|user| Act::Start { user }),
        3 => (0_usize..8, 0_u8..4).prop_map(|(nth, left)| Act::Lose { nth, left }),
        5 => (0_usize..8, note()).prop_map(|(nth, note)| Act::Note { nth, note }),
        1 => (0_usize..8).prop_map(|nth| Act::Part { nth }),
        3 => (0_usize..8, 0_u8..3).prop_map(|(nth, user)| Act::Resume { nth, user }),
        2 => (0_usize..8).prop_map(|nth| Act::Borrow { nth }),
        1 => (0_usize..8).prop_map(|nth| Act::End { nth }),
        2 => (0_u64..40).prop_map(|seconds| Act::Pass { seconds }),
        1 => (0_u64..10_000).prop_map(|to| Act::Jump { to }),
        1 => Just(Act::Sweep),
    ]
}

/// One session, as plainly as can be.
#[derive(Clone, Debug)]
struct Plain {
    id: u128,
    user: u8,
    place: Place,
    conn: Option<u32>,
    /// In seconds since the beginning; for those lent, it stays.
    ends_at: Option<u64>,
}

struct Model {
    world: World,
    list: Vec<Plain>,
    elapsed: u64,
    next: u32,
}

fn channel(number: u8) -> Left {
    left(&format!("room:{number}"), 1)
}

fn channels(count: u8) -> Vec<Left> {
    (0..count).map(channel).collect()
}

const MAX: usize = 3;
const GRACE: u64 = 60;

impl Model {
    fn new(when_full: WhenFull) -> Self {
        let grace = Duration::from_secs(GRACE);
        let mut world = World::new(Policy { max: Some(3), when_full, grace });
        let few =
            Bounds { channels_max: 4, left_max: 6, rooms_max: 6, ..Bounds::of_connections(100) };
        world.sessions = Sessions::new(few);
        Self { world, list: Vec::new(), elapsed: 0, next: 0 }
    }

    fn is_over(&self, it: &Plain) -> bool {
        it.conn.is_none() && it.ends_at.is_some_and(|it| it <= self.elapsed)
    }

    fn drop_over(&mut self) {
        let elapsed = self.elapsed;
        self.list.retain(|it| it.conn.is_some() || it.ends_at.is_none_or(|it| elapsed < it));
    }

    fn act(&mut self, act: Act) {
        self.next += 1;
        let conn = self.next;
        match act {
            Act::Start { user } => self.start(user, conn),
            Act::Lose { nth, left } => {
                let Some(it) = self.list.get_mut(nth) else { return };
                let Some(conn) = it.conn.take() else { return };
                it.ends_at.get_or_insert(self.elapsed + GRACE);
                self.world.lose(it.place, conn, channels(left));
            }
            Act::Note { nth, note } => self.note(nth, note),
            Act::Part { nth } => {
                if self.list.get(nth).is_some_and(|it| it.conn.is_some()) {
                    let it = self.list.remove(nth);
                    self.world.sessions.part(it.place, seat(it.conn.unwrap()));
                }
            }
            Act::Resume { nth, user } => {
                let Some(it) = self.list.get(nth).cloned() else { return };
                let resumed = self.world.resume(it.id, &user.to_string(), conn);
                let is_theirs = it.user == user && !self.is_over(&it);
                assert_eq!(resumed.is_some(), is_theirs);
                if let Some(resumed) = resumed {
                    assert_eq!(resumed.replaced, it.conn.map(seat));
                    self.list[nth].conn = Some(conn);
                    self.list[nth].ends_at = None;
                }
            }
            Act::Borrow { nth } => {
                let Some(it) = self.list.get(nth).cloned() else { return };
                let borrowed = self.world.borrow(it.id, conn).is_some();
                assert_eq!(borrowed, it.conn.is_none() && !self.is_over(&it));
                if borrowed {
                    self.list[nth].conn = Some(conn);
                }
            }
            Act::End { nth } => {
                if nth < self.list.len() {
                    let it = self.list.remove(nth);
                    let ended = self.world.sessions.end(SessionId(it.id));
                    assert_eq!(ended, Some(it.conn.map(seat)));
                }
            }
            Act::Pass { seconds } => {
                self.world.pass(Duration::from_secs(seconds));
                self.elapsed += seconds;
            }
            Act::Jump { to } => self.world.moment.wall.0 = WALL - 5000 + to,
            Act::Sweep => {
                self.world.sessions.sweep(self.world.moment.now);
                self.drop_over();
            }
        }
    }

    /// Which channels are remembered is not modelled; that they are counted is.
    fn note(&mut self, nth: usize, note: Note) {
        let Some(it) = self.list.get(nth) else { return };
        let Some(conn) = it.conn else { return };
        let (place, seat) = (it.place, seat(conn));
        let sessions = &mut self.world.sessions;
        match note {
            Note::Sit(room) => {
                let (channel, at) = channel(room);
                sessions.sit(place, seat, channel, at);
            }
            Note::SitOnly(rooms) => sessions.sit_only(place, seat, channels(rooms)),
            Note::Rise(room) => sessions.rise(place, seat, &channel(room).0),
            Note::Take => drop(sessions.take_left(place, seat)),
        }
    }

    fn start(&mut self, user: u8, conn: u32) {
        self.drop_over();
        let id = u128::from(conn);
        let started = self.world.start(id, &user.to_string(), conn);
        let theirs: Vec<Plain> = self.list.iter().filter(|it| it.user == user).cloned().collect();
        let mut replaced = None;
        if theirs.len() == MAX {
            // The links of a bucket know no order, so of those that end together either may go.
            let away = theirs.iter().filter(|it| it.conn.is_none());
            let gone = match away.min_by_key(|it| it.ends_at) {
                Some(first) => {
                    let ties = theirs.iter().filter(|it| it.conn.is_none());
                    let mut ties = ties.filter(|it| it.ends_at == first.ends_at);
                    let wall = self.world.moment.wall;
                    let is_gone =
                        |it: &&Plain| self.world.sessions.find(SessionId(it.id), wall).is_none();
                    ties.find(is_gone).expect("one of them went").id
                }
                None if self.world.policy.when_full == WhenFull::Replace => {
                    replaced = theirs[0].conn.map(seat);
                    theirs[0].id
                }
                None => return assert!(started.is_none()),
            };
            self.list.retain(|it| it.id != gone);
        }
        let started = started.expect("there is room");
        assert_eq!(started.replaced, replaced);
        self.list.push(Plain { id, user, place: started.place, conn: Some(conn), ends_at: None });
    }

    fn compare(&self) {
        let sessions = &self.world.sessions;
        let live = self.list.iter().filter(|it| it.conn.is_some()).count();
        assert_eq!((sessions.live(), sessions.away()), (live, self.list.len() - live));
        assert!(sessions.left_count <= 6 && sessions.noted_count <= 6);
        for user in 0..3_u8 {
            let name = user.to_string();
            let of_user = sessions.of_user(&identity(&name).user, self.world.moment.wall);
            let found: Vec<_> = of_user.iter().map(|it| (it.id.0, it.seat)).collect();
            let theirs = self.list.iter().filter(|it| it.user == user);
            let expected: Vec<_> = theirs.map(|it| (it.id, it.conn.map(seat))).collect();
            assert_eq!(found, expected);
        }
    }
}

proptest! {
    #[test]
    fn sessions_are_what_a_list_would_be(
        acts in proptest::collection::vec(act(), 0..60),
        replaces: bool,
    ) {
        let mut model = Model::new(if replaces { WhenFull::Replace } else { WhenFull::Refuse });
        for act in acts {
            model.act(act);
            model.compare();
        }
        let wall = model.world.moment.wall;
        for it in model.list.clone() {
            prop_assert!(model.world.sessions.find(SessionId(it.id), wall).is_some());
            model.world.sessions.end(SessionId(it.id));
        }
        prop_assert_eq!(model.world.sessions.profiles.counts(), (0, 0));
        let sessions = &model.world.sessions;
        prop_assert_eq!((sessions.left_count, sessions.noted_count), (0, 0));
    }
}
