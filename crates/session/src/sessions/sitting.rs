//! Where live sessions sit, noted as it happens: for clients who do not say so themselves when they
//! come back, also after a crash.

use proto::{ChannelName, Placed};

use super::Sessions;
use crate::record::{Left, Place, Seat};

impl Sessions {
    /// The rooms of a session, and where each was joined. `None`: there are none, or more than can
    /// be remembered.
    pub fn rooms(&self, place: Place, seat: Seat) -> Option<&[Left]> {
        let slot = self.seated(place, seat)?;
        self.unclaimed.get(&slot).map(|it| &it[..]).filter(|it| !it.is_empty())
    }

    /// It sits in these, and in no others.
    pub fn sit_only(&mut self, place: Place, seat: Seat, rooms: Vec<Left>) {
        let Some(slot) = self.seated(place, seat) else { return };
        let before = self.unclaimed.remove(&slot);
        self.left_count -= before.as_ref().map_or(0, Vec::len);
        if before.is_none() && rooms.is_empty() {
            return;
        }
        if !rooms.is_empty() {
            // Nothing at all, where there is no room for all of it.
            let rooms = if self.has_room_for(rooms.len()) { rooms } else { Vec::new() };
            self.left_count += rooms.len();
            self.unclaimed.insert(slot, rooms);
        }
        self.soil(slot);
    }

    /// It sits in this one as well, or is told only now where it begins.
    pub fn sit(&mut self, place: Place, seat: Seat, channel: ChannelName, at: Option<Placed>) {
        let Some(slot) = self.seated(place, seat) else { return };
        let before = self.unclaimed.get(&slot);
        // Too many already.
        if before.is_some_and(Vec::is_empty) {
            return;
        }
        let fits = before.map_or(1, |it| it.len() + 1) <= self.bounds.channels_max
            && self.left_count < self.bounds.left_max;
        let rooms = self.unclaimed.entry(slot).or_default();
        match rooms.iter_mut().find(|it| it.0 == channel) {
            Some(room) if room.1 == at => return,
            Some(room) => room.1 = at,
            None if fits => {
                rooms.push((channel, at));
                self.left_count += 1;
            }
            None => {
                self.left_count -= rooms.len();
                rooms.clear();
            }
        }
        self.soil(slot);
    }

    /// It has left this one.
    pub fn rise(&mut self, place: Place, seat: Seat, channel: &ChannelName) {
        let Some(slot) = self.seated(place, seat) else { return };
        let Some(rooms) = self.unclaimed.get_mut(&slot) else { return };
        let Some(room) = rooms.iter().position(|it| it.0 == *channel) else { return };
        rooms.swap_remove(room);
        self.left_count -= 1;
        if rooms.is_empty() {
            self.unclaimed.remove(&slot);
        }
        self.soil(slot);
    }

    const fn has_room_for(&self, rooms: usize) -> bool {
        rooms <= self.bounds.channels_max && self.left_count + rooms <= self.bounds.left_max
    }
}
