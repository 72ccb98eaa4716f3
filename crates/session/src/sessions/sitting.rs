//! Where live sessions sit, noted as it happens: for clients who do not say so themselves when they
//! come back, also after a crash.
//!
//! ```text
//!   sit ──► noted ──── it goes away ────► left ──── it comes back ────► unclaimed
//!             ▲        within left_max                                     │
//!             └───────────────────────── sit_only ─────────────────────────┘
//! ```

use proto::{ChannelName, Placed};

use super::Sessions;
use crate::record::{Left, Place, Seat};

impl Sessions {
    /// The rooms of a session, and where each was joined. `None`: there are none, or more than can
    /// be remembered.
    pub fn rooms(&self, place: Place, seat: Seat) -> Option<&[Left]> {
        let slot = self.seated(place, seat)?;
        self.rooms_in(slot).filter(|it| !it.is_empty())
    }

    /// It sits in these, and in no others, whatever it has come back with.
    pub fn sit_only(&mut self, place: Place, seat: Seat, rooms: Vec<Left>) {
        let Some(slot) = self.seated(place, seat) else { return };
        let has_left = !self.forget_left(slot).is_empty();
        let has_noted = self.forget_noted(slot).is_some();
        if !has_left && !has_noted && rooms.is_empty() {
            return;
        }
        if !rooms.is_empty() {
            // Nothing at all, where there is no room for all of it.
            let rooms = if self.has_room_for(rooms.len()) { rooms } else { Vec::new() };
            self.noted_count += rooms.len();
            self.noted.insert(slot, rooms);
        }
        self.soil(slot);
    }

    /// It sits in this one as well, or is told only now where it begins.
    pub fn sit(&mut self, place: Place, seat: Seat, channel: ChannelName, at: Option<Placed>) {
        let Some(slot) = self.seated(place, seat) else { return };
        let before = self.noted.get(&slot);
        // Too many already.
        if before.is_some_and(Vec::is_empty) {
            return;
        }
        let fits = before.map_or(1, |it| it.len() + 1) <= self.bounds.channels_max
            && self.noted_count < self.bounds.rooms_max;
        let rooms = self.noted.entry(slot).or_default();
        match rooms.iter_mut().find(|it| it.0 == channel) {
            Some(room) if room.1 == at => return,
            Some(room) => room.1 = at,
            None if fits => {
                rooms.push((channel, at));
                self.noted_count += 1;
            }
            None => {
                self.noted_count -= rooms.len();
                rooms.clear();
            }
        }
        self.soil(slot);
    }

    /// It has left this one.
    pub fn rise(&mut self, place: Place, seat: Seat, channel: &ChannelName) {
        let Some(slot) = self.seated(place, seat) else { return };
        let Some(rooms) = self.noted.get_mut(&slot) else { return };
        let Some(room) = rooms.iter().position(|it| it.0 == *channel) else { return };
        rooms.swap_remove(room);
        self.noted_count -= 1;
        if rooms.is_empty() {
            self.noted.remove(&slot);
        }
        self.soil(slot);
    }

    /// What is noted of a live session, or else what it has come back with.
    pub(super) fn rooms_in(&self, slot: u32) -> Option<&[Left]> {
        self.noted.get(&slot).or_else(|| self.unclaimed.get(&slot)).map(Vec::as_slice)
    }

    /// Returns what was noted.
    pub(super) fn forget_noted(&mut self, slot: u32) -> Option<Vec<Left>> {
        let noted = self.noted.remove(&slot)?;
        self.noted_count -= noted.len();
        Some(noted)
    }

    const fn has_room_for(&self, rooms: usize) -> bool {
        rooms <= self.bounds.channels_max && self.noted_count + rooms <= self.bounds.rooms_max
    }
}
