//! What a shard can ask of its driver.

use std::{sync::Arc, time::Duration};

use proto::{ChannelName, Code, ConnId, Event, Message, Placed, Publication, Refusal, ShardId};

use crate::input::{Envelope, Ticket};

#[derive(Debug)]
pub enum Effect {
    /// Tell one connection something, in its dialect.
    Tell {
        conn: ConnId,
        event: Event,
    },
    /// Send one connection what its application replied.
    Reply {
        conn: ConnId,
        message: Message,
    },
    /// Send to every member on this shard, read with [`Shard::members`](crate::Shard::members).
    ///
    /// One effect a message, not one a member: the driver gathers a turn's messages by channel,
    /// frames each once per dialect and shares the bytes, so a room of ten thousand costs one
    /// encoding and ten thousand writes. Whoever joined after the message had its place is passed
    /// over by [`Member::after`](crate::Member::after), so gathering cannot deliver it twice.
    Deliver {
        publication: Arc<Publication>,
    },
    /// Keep publications for this connection back until [`Effect::Release`]: its application speaks
    /// first.
    Hold {
        conn: ConnId,
    },
    Release {
        conn: ConnId,
    },
    /// Say why, then close. The connection is forgotten here already.
    Close {
        conn: ConnId,
        refusal: Refusal,
    },
    /// Send a ping: nothing was heard for a while.
    Ping {
        conn: ConnId,
    },
    /// Stop reading from this connection until [`Effect::Resume`].
    Pause {
        conn: ConnId,
    },
    Resume {
        conn: ConnId,
    },
    /// Verify a token; answer with [`Input::Authenticated`](crate::Input::Authenticated).
    Authenticate {
        conn: ConnId,
        token: Arc<str>,
        refresh: bool,
    },
    /// Ask the route's application; answer with [`Input::Answered`](crate::Input::Answered), except
    /// to [`Ask::Disconnected`], whose answer is taken as well but awaited by nobody.
    Ask {
        conn: ConnId,
        ask: Ask,
    },
    /// Put an envelope into another shard's inbox.
    Send {
        to: ShardId,
        envelope: Envelope,
    },
    /// Tell whoever holds the ticket.
    Conclude {
        ticket: Ticket,
        outcome: Outcome,
    },
    /// A canary publication came through.
    Sing {
        text: Arc<str>,
    },
    /// A connection has ended after this long.
    Ended {
        conn: ConnId,
        lasted: Duration,
        code: Option<Code>,
        /// The channels it had joined by a command, for its session to have again, and the last
        /// place of each that was given to it.
        left: Vec<(ChannelName, Option<Placed>)>,
    },
}

#[derive(Clone, Debug)]
pub enum Ask {
    Connected,
    Said(Message),
    Disconnected,
}

/// What became of an errand.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Published; signals have no place.
    Placed(Option<Placed>),
    Described {
        members: usize,
        head: Option<Placed>,
    },
    Disconnected(usize),
}
