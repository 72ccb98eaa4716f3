//! What a shard remembers of one connection.

use std::sync::Arc;

use limits::Budget;
use proto::{ChannelName, ConnId, Identity, Offset, Placed, RequestId, ShardId, Status, UserId};

use crate::{
    conversation::Conversation, deadlines::Tick, noticed::Noticed, owed::Owed,
    shard::recovering::Recovering,
};

/// The record of one open connection. Small: there are many of these, and most are idle.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Tells this connection from an earlier one in the same slot.
    pub(crate) life: u32,
    pub(crate) policy: u16,
    pub(crate) stage: Stage,
    pub(crate) identity: Option<Arc<Identity>>,
    /// Mirrors the seats in channels, so that closing is linear in what was joined.
    pub(crate) joined: Vec<Joined>,
    pub(crate) budget: Budget,
    pub(crate) opened_at: Tick,
    /// When anything was last heard, pongs included, and when a message was.
    pub(crate) heard_at: Tick,
    pub(crate) spoke_at: Tick,
    pub(crate) expires_at: Tick,
    pub(crate) drains_at: Tick,
    /// The deadline that counts; entries elsewhere that differ are stale.
    pub(crate) due: Tick,
    /// When a ping was sent that nothing has answered; [`Tick::NEVER`] if there is none.
    pub(crate) pinged_at: Tick,
    pub(crate) expiry_told: bool,
    /// Boxed, because most routes have no application.
    pub(crate) conversation: Option<Box<Conversation>>,
    /// Boxed, because most connections wait for nothing. [`Conn::settle`] lets go of it.
    pub(crate) pending: Option<Box<Pending>>,
    /// Boxed, because most connections are owed nothing.
    pub(crate) owed: Option<Box<Owed>>,
    /// Boxed, because most connections let nothing be noticed.
    pub(crate) noticed: Option<Box<Noticed>>,
    /// What the client calls the device it is on.
    pub(crate) device: Option<Arc<str>>,
    /// It may take up what an earlier connection was subscribed to, once and before anything else.
    pub(crate) resuming: Resuming,
}

/// What a connection waits for, and what it has to be told when it can be.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The refresh that is being verified; one at a time.
    pub(crate) proving: Option<RequestId>,
    /// The number of a reading under way, and the home that was asked; one at a time.
    pub(crate) reading: Option<(RequestId, ShardId)>,
    pub(crate) gaps: Vec<Gap>,
}

/// Whether a connection takes up what an earlier one had.
#[derive(Debug)]
pub(crate) enum Resuming {
    No,
    Asked(Box<Asked>),
    Done,
    /// It has not been told yet that it is in.
    Recovering(Box<Recovering>),
}

/// The number of the command that asks, and the last places that it names.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) since: Vec<(ChannelName, Placed)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Upgraded without a token, which the first message has to bring.
    Greeting,
    /// The first message's token is being verified.
    Proving,
    /// Admitted.
    Live,
}

/// A seat: which channel, and where in its list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Joined {
    pub(crate) channel: u32,
    pub(crate) seat: u32,
    /// Joined by its route or application, not by a command that permission has to cover.
    pub(crate) is_given: bool,
    /// It is told who comes and goes, having asked for it and being allowed to (C4).
    pub(crate) sees_presence: bool,
}

/// What a slow connection was not sent and has yet to be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Gap {
    pub(crate) channel: ChannelName,
    pub(crate) from: Offset,
    pub(crate) to: Offset,
}

impl Conn {
    pub(crate) fn new(id: ConnId, policy: u16, stage: Stage, now: Tick) -> Self {
        Self {
            life: id.life(),
            policy,
            stage,
            identity: None,
            joined: Vec::new(),
            budget: Budget::default(),
            opened_at: now,
            heard_at: now,
            spoke_at: now,
            expires_at: Tick::NEVER,
            drains_at: Tick::NEVER,
            due: Tick::NEVER,
            pinged_at: Tick::NEVER,
            expiry_told: false,
            conversation: None,
            pending: None,
            owed: None,
            noticed: None,
            device: None,
            resuming: Resuming::No,
        }
    }

    /// What it waits for who has not been told yet that it is in.
    pub(crate) fn recovering(&mut self) -> Option<&mut Recovering> {
        match &mut self.resuming {
            Resuming::Recovering(it) => Some(it),
            Resuming::No | Resuming::Asked(_) | Resuming::Done => None,
        }
    }

    /// The reading that is under way.
    pub(crate) fn reading(&self) -> Option<(RequestId, ShardId)> {
        self.pending.as_ref()?.reading
    }

    /// To note something in it, which [`Conn::settle`] takes out again.
    pub(crate) fn pending_mut(&mut self) -> &mut Pending {
        self.pending.get_or_insert_default()
    }

    /// Takes something out of what is pending, if anything is.
    pub(crate) fn settle<T: Default>(&mut self, take: impl FnOnce(&mut Pending) -> T) -> T {
        let Some(pending) = &mut self.pending else { return T::default() };
        let taken = take(pending);
        if pending.proving.is_none() && pending.reading.is_none() && pending.gaps.is_empty() {
            self.pending = None;
        }
        taken
    }

    /// Takes a seat. Room for one at first: most connections are in one channel.
    pub(crate) fn sit(&mut self, seat: Joined) {
        if self.joined.is_empty() {
            self.joined.reserve_exact(1);
        }
        self.joined.push(seat);
    }

    pub(crate) fn user(&self) -> Option<&UserId> {
        self.identity.as_ref().map(|it| &it.user)
    }

    pub(crate) fn status(&self) -> Status {
        self.noticed.as_ref().map_or(Status::Online, |it| it.status.clone())
    }

    /// It is not read at the moment, so its silence says nothing.
    pub(crate) fn is_paused(&self) -> bool {
        self.conversation.as_ref().is_some_and(|it| it.is_paused)
    }

    pub(crate) fn is_in(&self, channel: u32) -> bool {
        self.joined.iter().any(|it| it.channel == channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There is one for each connection, and most of them are idle.
    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Option<Conn>>() <= 152, "{}", size_of::<Option<Conn>>());
    }
}
