//! Which of the gateway's channels carry what is told, and who sits in them.
//!
//! ```text
//!  chat:channel:<id>   sockets that listen to a channel
//!  chat:thread:<id>    sockets that have a thread open
//!  chat:user:<id>      all sockets of a user
//!  chat:all            all sockets
//! ```
//!
//! Only the socket that is being answered can be seated or unseated. A user who is brought into a
//! room by somebody else (they were made a member while they were here) is therefore reached under
//! their own name until their last socket has gone: what is told to the room is told to
//! `chat:user:<id>` as well, and their sockets do not sit in the room, so that none hears it twice.
//! A socket of theirs cannot leave such a room by itself while there are others.

use std::collections::{BTreeMap, BTreeSet};

use app::{Action, Message, Reach, Values};
use proto::{ChannelName, UserId};

use crate::outcome::{Audience, Emit, Move, Outcome, Room};

/// Where everybody sits. As many entries as users are connected, each with as many rooms as they
/// have channels and open threads.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    users: BTreeMap<String, Seat>,
    /// Whom each room reaches by name.
    named: BTreeMap<Room, BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Seat {
    sockets: u32,
    /// Rooms that sockets of this user have joined.
    seated: BTreeSet<Room>,
    /// Rooms that reach this user by name. No room is in both.
    named: BTreeSet<Room>,
}

/// Where an event came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum From {
    /// A socket, which can be told and moved.
    Socket,
    /// A request over HTTP, or nobody.
    Elsewhere,
}

impl Seats {
    /// A socket comes back that sat in these of the gateway's channels, and may sit in those of
    /// `allowed`. In which of them it goes on; `None` if it cannot, because it would miss what is
    /// said in a room of `theirs` where it did not sit, or hear it twice.
    pub(crate) fn returned(
        &self,
        user: &str,
        rooms: Vec<ChannelName>,
        allowed: &[Room],
        theirs: &[Room],
    ) -> Option<Vec<ChannelName>> {
        let sat_in = |room: &Room| rooms.contains(&of_room(*room));
        let is_named = |room: &Room| self.named.get(room).is_some_and(|it| it.contains(user));
        let misses_none = theirs.iter().all(|it| sat_in(it) != is_named(it));
        let hears_once = !allowed.iter().any(|it| sat_in(it) && is_named(it));
        let own = [of_user(user), everyone()];
        let may_sit =
            |it: &ChannelName| own.contains(it) || allowed.iter().any(|room| of_room(*room) == *it);
        let has_own = own.iter().all(|it| rooms.contains(it));
        (misses_none && hears_once && has_own).then(|| rooms.into_iter().filter(may_sit).collect())
    }

    /// A socket that came sits in these already.
    pub(crate) fn took(&mut self, user: &str, rooms: &[ChannelName]) {
        if let Some(seat) = self.users.get_mut(user) {
            seat.seated.extend(rooms.iter().filter_map(room_of));
        }
    }

    /// A socket came. Before what its coming leads to.
    pub(crate) fn came(&mut self, user: &str) -> [Action; 2] {
        self.users.entry(user.to_owned()).or_default().sockets += 1;
        [Action::Join(of_user(user)), Action::Join(everyone())]
    }

    /// A socket went. After what its going leads to.
    pub(crate) fn left(&mut self, user: &str) {
        let Some(seat) = self.users.get_mut(user) else { return };
        seat.sockets -= 1;
        if 0 < seat.sockets {
            return;
        }
        for room in self.users.remove(user).map(|it| it.named).unwrap_or_default() {
            self.forget_name(room, user);
        }
    }

    /// All that the gateway is to do for an outcome, but for its answer.
    pub(crate) fn carry_out(&mut self, user: &str, from: From, outcome: Outcome) -> Vec<Action> {
        let mut actions = Vec::new();
        for step in outcome.moves {
            actions.extend(self.step(user, from, step));
        }
        for emit in outcome.emits {
            self.tell(Some(user), from, emit, &mut actions);
        }
        actions
    }

    /// What nobody has caused.
    pub(crate) fn tell_all(&self, emits: Vec<Emit>) -> Vec<Action> {
        let mut actions = Vec::new();
        for emit in emits {
            self.tell(None, From::Elsewhere, emit, &mut actions);
        }
        actions
    }

    fn step(&mut self, sender: &str, from: From, step: Move) -> Option<Action> {
        match step {
            Move::Join(room) => self.seat(sender, from, room),
            Move::Leave(room) => self.unseat(sender, from, room),
            Move::Bring(user, room) => {
                let seat = self.users.get_mut(&user)?;
                if seat.seated.contains(&room) {
                    return None;
                }
                if user == sender && seat.sockets == 1 {
                    return self.seat(sender, from, room);
                }
                seat.named.insert(room);
                self.named.entry(room).or_default().insert(user);
                None
            }
        }
    }

    fn seat(&mut self, user: &str, from: From, room: Room) -> Option<Action> {
        let seat = self.users.get_mut(user)?;
        if seat.named.contains(&room) {
            return None;
        }
        if from == From::Elsewhere {
            seat.named.insert(room);
            self.named.entry(room).or_default().insert(user.to_owned());
            return None;
        }
        seat.seated.insert(room);
        Some(Action::Join(of_room(room)))
    }

    fn unseat(&mut self, user: &str, from: From, room: Room) -> Option<Action> {
        let seat = self.users.get_mut(user)?;
        if seat.named.contains(&room) {
            if seat.sockets == 1 {
                seat.named.remove(&room);
                self.forget_name(room, user);
            }
            return None;
        }
        if from == From::Elsewhere {
            return None;
        }
        // No other socket of theirs sits there: they can be brought in again.
        if seat.sockets == 1 {
            seat.seated.remove(&room);
        }
        Some(Action::Leave(of_room(room)))
    }

    fn forget_name(&mut self, room: Room, user: &str) {
        if let Some(users) = self.named.get_mut(&room) {
            users.remove(user);
            if users.is_empty() {
                self.named.remove(&room);
            }
        }
    }

    fn tell(&self, sender: Option<&str>, from: From, emit: Emit, actions: &mut Vec<Action>) {
        let reach = match (&emit.to, emit.is_passing()) {
            (Audience::Elsewhere, _) => Reach::Others,
            (_, true) => Reach::Present,
            (_, false) => Reach::Members,
        };
        let Emit { to, event, payload } = emit;
        let sockets = |user: &str| self.users.get(user).map_or(0, |it| it.sockets);
        let mut publish = |channel, except| {
            actions.push(published(channel, event, &payload, except, reach));
        };
        match to {
            Audience::Sender if from == From::Socket => actions.push(reply(event, &payload)),
            Audience::Sender => {}
            Audience::User(user) if 0 < sockets(&user) => publish(of_user(&user), None),
            Audience::User(_) => {}
            Audience::Elsewhere => {
                if let Some(sender) = sender.filter(|it| 1 < sockets(it)) {
                    publish(of_user(sender), None);
                }
            }
            Audience::Room(room) => {
                publish(of_room(room), None);
                self.named_in(room).for_each(|it| publish(of_user(it), None));
            }
            Audience::Others(room) => {
                publish(of_room(room), sender);
                let others = self.named_in(room).filter(|it| Some(*it) != sender);
                others.for_each(|it| publish(of_user(it), None));
            }
            Audience::Everyone => publish(everyone(), sender),
        }
    }

    fn named_in(&self, room: Room) -> impl Iterator<Item = &str> {
        self.named.get(&room).into_iter().flatten().map(String::as_str)
    }
}

/// An event for the sender alone.
pub(crate) fn reply(event: &str, payload: &serde_json::Value) -> Action {
    let values = Values::new(format!("[{payload}]"));
    Action::Reply(Message::Event { name: event.into(), values, reply: None })
}

fn published(
    channel: ChannelName,
    event: &'static str,
    payload: &serde_json::Value,
    except: Option<&str>,
    reach: Reach,
) -> Action {
    let except = except.and_then(UserId::parse);
    let payload = payload.to_string().into();
    Action::Publish { channel, payload, except, event: Some(event.into()), reach }
}

fn of_user(id: &str) -> ChannelName {
    named(&format!("chat:user:{id}"))
}

fn of_room(room: Room) -> ChannelName {
    match room {
        Room::Channel(id) => named(&format!("chat:channel:{id}")),
        Room::Thread(id) => named(&format!("chat:thread:{id}")),
    }
}

/// The room that is carried by this of the gateway's channels, if one is.
pub(crate) fn room_of(channel: &ChannelName) -> Option<Room> {
    let rest = channel.as_str().strip_prefix("chat:")?;
    let (kind, id) = rest.split_once(':')?;
    let id = id.parse().ok()?;
    match kind {
        "channel" => Some(Room::Channel(id)),
        "thread" => Some(Room::Thread(id)),
        _ => None,
    }
}

fn everyone() -> ChannelName {
    named("chat:all")
}

fn named(text: &str) -> ChannelName {
    ChannelName::parse(text)
        .expect("users come in by `claimed::id_in`, which fits a channel's name")
}
