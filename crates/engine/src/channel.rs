//! Who of this shard is in a channel.

use proto::{ChannelName, ConnId, Dialect, Kind, Notice, Offset, Placed, Publication, RequestId};

use crate::{company::Company, input::FollowId};

/// A connection's seat in a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    pub conn: ConnId,
    /// It is owed what has a larger offset than this, and nothing else.
    pub after: Offset,
}

impl Member {
    /// Seated before the channel's place was known: owed nothing yet.
    const UNPLACED: Offset = Offset(u64::MAX);

    /// Gets what it is owed from the log, and no messages live yet.
    pub(crate) const BEHIND: Offset = Offset(u64::MAX - 1);

    /// The same, and has not been told where it begins.
    pub(crate) const BEGINNING: Offset = Offset(u64::MAX - 2);

    /// Whether it has not been told where it begins.
    pub const fn is_beginning(&self) -> bool {
        self.after.0 == Self::BEGINNING.0
    }

    /// Whether it gets this now. Nobody hears a signal before they know where they stand.
    pub const fn is_owed(&self, publication: &Publication) -> bool {
        match publication.kind {
            Kind::Message(at) => self.after.0 < at.offset.0,
            Kind::Signal => !self.is_beginning(),
            Kind::Notice(_) => true,
        }
    }
}

/// Messages of a channel have not reached this shard, and will not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Missed;

/// A channel, as one shard with members in it keeps it.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: ChannelName,
    /// By dialect, because a message is framed once for each.
    members: [Vec<Member>; 3],
    /// The latest follow; an answer to an earlier one says nothing about what came after it.
    follow: FollowId,
    state: State,
    /// Who they are, where the namespace tells that.
    pub(crate) company: Option<Box<Company>>,
}

#[derive(Debug)]
enum State {
    /// The home shard was asked where the channel stands; these wait to be told.
    Asked { waiting: Vec<(ConnId, RequestId)> },
    /// The home shard sends everything after the place it named; this is the last that came.
    Following { at: Placed },
}

impl Channel {
    pub(crate) const fn new(name: ChannelName, follow: FollowId) -> Self {
        let state = State::Asked { waiting: Vec::new() };
        let members = [Vec::new(), Vec::new(), Vec::new()];
        Self { name, members, follow, state, company: None }
    }

    pub(crate) const fn follow(&self) -> FollowId {
        self.follow
    }

    pub(crate) fn members(&self, dialect: Dialect) -> &[Member] {
        &self.members[row(dialect)]
    }

    /// Of every dialect.
    pub(crate) fn all_members(&self) -> Vec<Member> {
        self.members.iter().flatten().copied().collect()
    }

    /// Whether anyone here is told such things.
    pub(crate) fn is_noticed(&self, notice: &Notice) -> bool {
        match notice {
            Notice::Typing { .. } | Notice::Receipts(_) => {
                !self.members(Dialect::Native).is_empty()
            }
            Notice::Presence(_) => self.company.as_ref().is_some_and(|it| 0 < it.watchers),
        }
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members.iter().map(Vec::len).sum()
    }

    /// Seats a connection; answers which seat, and where the channel stands if that is known.
    pub(crate) fn seat(&mut self, dialect: Dialect, conn: ConnId) -> (usize, Option<Placed>) {
        let at = self.at();
        let after = at.map_or(Member::UNPLACED, |it| it.offset);
        let members = &mut self.members[row(dialect)];
        members.push(Member { conn, after });
        (members.len() - 1, at)
    }

    /// Clears a seat; answers who was moved into it from the last one.
    pub(crate) fn unseat(&mut self, dialect: Dialect, conn: ConnId, seat: usize) -> Option<ConnId> {
        let members = &mut self.members[row(dialect)];
        let was = members.swap_remove(seat);
        assert!(was.conn == conn, "{conn} and {} disagree about seat {seat}", self.name);
        if let State::Asked { waiting } = &mut self.state {
            waiting.retain(|it| it.0 != conn);
        }
        self.members[row(dialect)].get(seat).map(|it| it.conn)
    }

    /// Says from where on a seat is owed what is said.
    pub(crate) fn seek(&mut self, dialect: Dialect, seat: usize, after: Offset) {
        if let Some(member) = self.members[row(dialect)].get_mut(seat) {
            member.after = after;
        }
    }

    /// Whoever waits to be told where the channel stands, and will not be.
    pub(crate) fn take_waiting(&mut self, follow: FollowId) -> Option<Vec<(ConnId, RequestId)>> {
        match &mut self.state {
            State::Asked { waiting } if follow == self.follow => Some(std::mem::take(waiting)),
            // It was asked again, and knows nothing of what it sent before.
            State::Following { .. } if follow == self.follow => Some(Vec::new()),
            State::Asked { .. } | State::Following { .. } => None,
        }
    }

    /// Remembers who wants to be told when the channel's place is known.
    pub(crate) fn wait(&mut self, conn: ConnId, id: RequestId) {
        if let State::Asked { waiting } = &mut self.state {
            waiting.push((conn, id));
        }
    }

    /// The request of a connection that still waits to be told.
    pub(crate) fn waits(&self, conn: ConnId) -> Option<RequestId> {
        let State::Asked { waiting } = &self.state else { return None };
        waiting.iter().find(|it| it.0 == conn).map(|it| it.1)
    }

    /// Asks its home anew; what is known meanwhile stays.
    pub(crate) const fn follow_again(&mut self, follow: FollowId) {
        self.follow = follow;
    }

    /// Those who speak Socket.IO and learn by the answer to this follow where they begin.
    pub(crate) fn unplaced(&self, follow: FollowId) -> Vec<ConnId> {
        let members = self.members(Dialect::SocketIo).iter();
        let unplaced = members.filter(|it| follow == self.follow && it.after == Member::UNPLACED);
        unplaced.map(|it| it.conn).collect()
    }

    /// The home shard said where the channel stands; answers who waited for that, unless members
    /// here have missed something.
    pub(crate) fn followed(
        &mut self,
        follow: FollowId,
        at: Placed,
    ) -> Result<Vec<(ConnId, RequestId)>, Missed> {
        if follow != self.follow {
            return Ok(Vec::new());
        }
        if self.at().is_some_and(|it| it != at) {
            return Err(Missed);
        }
        for member in self.members.iter_mut().flatten() {
            if member.after == Member::UNPLACED {
                member.after = at.offset;
            }
        }
        match std::mem::replace(&mut self.state, State::Following { at }) {
            State::Asked { waiting } => Ok(waiting),
            State::Following { .. } => Ok(Vec::new()),
        }
    }

    /// Notes the place of a message; answers whether there is anyone to deliver it to.
    pub(crate) fn advance(&mut self, to: Placed) -> Result<bool, Missed> {
        match &mut self.state {
            // Sent for an earlier follow. Nobody here has been promised it.
            State::Asked { .. } => Ok(false),
            State::Following { at } if to.epoch == at.epoch && to.offset.0 == at.offset.0 + 1 => {
                *at = to;
                Ok(true)
            }
            State::Following { .. } => Err(Missed),
        }
    }

    pub(crate) const fn at(&self) -> Option<Placed> {
        match &self.state {
            State::Asked { .. } => None,
            State::Following { at } => Some(*at),
        }
    }
}

const fn row(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Native => 0,
        Dialect::Plain => 1,
        Dialect::SocketIo => 2,
    }
}
