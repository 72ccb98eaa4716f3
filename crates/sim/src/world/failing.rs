//! What goes wrong, and what the disk does.

use engine::{Errand, Input, TakenUp, Ticket, home_of};
use proto::{Code, ConnId, SessionId};

use super::{Checked, ERASURES, Event, World};
use crate::{
    disk::Mood,
    faults::Fault,
    house::House,
    rules::{self, Kept},
};

impl World {
    pub(super) fn go_wrong(&mut self, fault: Fault) {
        self.note(|| format!("{fault:?}"));
        match fault {
            Fault::ShardFails { shard } => self.shard_fails(shard),
            Fault::Restart => self.restart(),
            Fault::DiskRefuses { lies, lasts } => {
                self.disk.mood = if lies { Mood::Lies } else { Mood::Refuses };
                self.plan(self.now + lasts, Event::DiskWorks);
            }
            Fault::Cut => self.disk.cut(&mut self.dice, &mut self.model),
            Fault::Jump { forward, by } => {
                let by = u64::try_from(by.as_millis()).expect("an hour fits");
                self.wall = if forward { self.wall + by } else { self.wall - by };
            }
            Fault::Erase => self.erase(),
        }
    }

    fn shard_fails(&mut self, shard: u16) {
        self.failures += 1;
        self.lost_at = Some(self.now);
        let shards = self.shards();
        self.model.may_end(|it| home_of(it, shards).0 == shard);
        let seed = self.fresh_seed();
        let house = &mut self.houses[usize::from(shard)];
        let left = house.sockets.values_mut().map(|it| it.part());
        self.sessions.extend(left);
        let now = self.start + self.now;
        house.fail(seed, now);
        self.call(shard);
    }

    /// The process ends: everybody is gone, and everything that is not on disk.
    fn restart(&mut self) {
        self.process += 1;
        self.lost_at = Some(self.now);
        let remembers = self.dice.once_in(2);
        for house in &mut self.houses {
            self.sessions.extend(house.sockets.values_mut().map(|it| it.part()));
        }
        if !remembers {
            self.sessions.clear();
        }
        for person in &mut self.people {
            person.part();
        }
        self.bus.clear();
        self.model.may_end(|it| rules::kept(it) == Kept::Soon);
        self.disk.fail(self.now, &mut self.dice, &mut self.model);
        let (shards, now) = (self.shards(), self.start + self.now);
        let mut seeds = (0..shards).map(|_| self.fresh_seed()).collect::<Vec<_>>().into_iter();
        let seed = |it: u16| seeds.next().map(|seed| House::new(it, shards, seed, now));
        self.houses = (0..shards).filter_map(seed).collect();
    }

    /// Where a shard that begins counts its epochs from, which was never used.
    const fn fresh_seed(&mut self) -> u64 {
        self.lives += 1;
        100_000 * self.lives
    }

    fn erase(&mut self) {
        let channel = rules::some_channel(&mut self.dice);
        if rules::kept(&channel) == Kept::Nowhere {
            return;
        }
        let ticket = Ticket(ERASURES.0 + self.serial);
        self.model.may_end(|it| *it == channel);
        self.model.will_erase(&channel);
        let home = home_of(&channel, self.shards()).0;
        self.tell(home, Input::Sought { ticket, errand: Errand::Erase(channel) });
    }

    /// What an earlier connection of the session was subscribed to.
    pub(super) fn take_up(&mut self, shard: u16, conn: ConnId, session: SessionId) {
        let left = self.sessions.get(&session).cloned();
        let taken_up = left.map(|left| TakenUp { session, left });
        let taken_up = taken_up.ok_or(Code::SessionUnknown.into());
        self.later(shard, 100, Input::Resumed { conn, taken_up });
    }

    pub(super) fn call_disk(&mut self) {
        if self.works_at.is_none() && !self.disk.is_idle() {
            let at = self.now + self.dice.millis(0, self.faults.disk_millis_max);
            self.works_at = Some(at);
            self.plan(at, Event::Work);
        }
    }

    /// A few things together, as the store commits them.
    pub(super) fn work(&mut self) -> Checked {
        self.works_at = None;
        for _ in 0..=self.dice.below(8) {
            let done = self.disk.work(self.now, &mut self.dice, &mut self.model);
            let Some((shard, input)) = done else { break };
            self.tell(shard, input);
        }
        self.call_disk();
        self.model.complaint.take().map_or(Ok(()), Err)
    }
}
