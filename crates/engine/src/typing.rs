//! Who is writing in a channel, as its home knows (R76).

use std::time::Duration;

use proto::{ConnId, ShardId, UserId};

use crate::deadlines::Tick;

/// How long somebody writes who does not say so again.
pub(crate) const TYPING_FOR: Duration = Duration::from_secs(5);

/// Users shown writing in one channel at once: more than anyone can read, and few enough to be
/// looked through. More are simply not told (F14).
const TYPISTS_MAX: usize = 100;

/// Connections on which one user writes at once. On more, they stop when the last of these does.
const PENS_MAX: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Typing {
    typists: Vec<Typist>,
}

#[derive(Debug)]
struct Typist {
    user: UserId,
    /// Never empty.
    pens: Vec<Pen>,
}

/// A connection on which somebody writes.
#[derive(Debug)]
struct Pen {
    held_by: (ShardId, ConnId),
    until: Tick,
}

impl Typing {
    /// A connection says that its user writes. Answers whether that is new to the members.
    pub(crate) fn write(&mut self, now: Tick, user: &UserId, by: (ShardId, ConnId)) -> bool {
        let pen = Pen { held_by: by, until: now.after(TYPING_FOR) };
        if let Some(typist) = self.typists.iter_mut().find(|it| it.user == *user) {
            typist.pens.retain(|it| it.held_by != by);
            if typist.pens.len() < PENS_MAX {
                typist.pens.push(pen);
            }
            return false;
        }
        let has_room = self.typists.len() < TYPISTS_MAX;
        if has_room {
            self.typists.push(Typist { user: user.clone(), pens: vec![pen] });
        }
        has_room
    }

    /// A connection says that its user has stopped. Answers whether members are to be told: the
    /// user may go on on another.
    pub(crate) fn stop(&mut self, user: &UserId, by: (ShardId, ConnId)) -> bool {
        let index = self.typists.iter().position(|it| it.user == *user);
        let Some(index) = index else { return false };
        let pens = &mut self.typists[index].pens;
        pens.retain(|it| it.held_by != by);
        let has_stopped = pens.is_empty();
        if has_stopped {
            self.typists.swap_remove(index);
        }
        has_stopped
    }

    /// Who has not said so for too long.
    pub(crate) fn take_stopped(&mut self, now: Tick) -> Vec<UserId> {
        for typist in &mut self.typists {
            typist.pens.retain(|it| now < it.until);
        }
        let stopped = self.typists.extract_if(.., |it| it.pens.is_empty());
        stopped.map(|it| it.user).collect()
    }

    pub(crate) fn due(&self) -> Tick {
        let pens = self.typists.iter().flat_map(|it| &it.pens);
        pens.map(|it| it.until).min().unwrap_or(Tick::NEVER)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.typists.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    const fn on(slot: u32) -> (ShardId, ConnId) {
        (ShardId(0), ConnId::new(slot, 0))
    }

    #[test]
    fn only_changes_are_told() {
        let mut typing = Typing::default();
        let ann = user("ann");
        assert!(!typing.stop(&ann, on(1)), "who never wrote");
        assert!(typing.write(Tick(0), &ann, on(1)));
        assert!(!typing.write(Tick(30), &ann, on(1)));
        assert_eq!(typing.due(), Tick(80));
        assert_eq!(typing.take_stopped(Tick(79)), []);
        assert_eq!(typing.take_stopped(Tick(80)), [ann]);
        assert!(typing.is_empty());
    }

    #[test]
    fn a_user_stops_on_their_last_connection() {
        let mut typing = Typing::default();
        let ann = user("ann");
        assert!(typing.write(Tick(0), &ann, on(1)));
        assert!(!typing.write(Tick(10), &ann, on(2)));
        assert!(!typing.stop(&ann, on(1)));
        assert!(!typing.write(Tick(20), &ann, on(1)));
        assert_eq!(typing.take_stopped(Tick(60)), [], "on the first they go on");
        assert!(typing.stop(&ann, on(1)));
    }

    /// Threat F14.
    #[test]
    fn a_choir_is_not_kept() {
        let mut typing = Typing::default();
        let all = (0..500).filter(|it| typing.write(Tick(0), &user(&format!("u{it}")), on(*it)));
        assert_eq!(all.count(), TYPISTS_MAX);
        for slot in 0..500 {
            assert!(!typing.write(Tick(0), &user("u1"), on(slot)));
        }
        assert_eq!(typing.typists[1].pens.len(), PENS_MAX);
        assert!(!typing.stop(&user("u400"), on(400)));
        assert_eq!(typing.take_stopped(Tick(50)).len(), TYPISTS_MAX);
    }
}
