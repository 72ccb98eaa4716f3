//! What a shard can ask of its driver.

use std::{sync::Arc, time::Duration};

use proto::{
    ChannelName, Code, ConnId, Epoch, Event, Message, Page, Placed, Publication, Refusal, ReplyId,
    Roll, SessionId, ShardId, Span, Values,
};

use crate::{
    input::{Envelope, Marked, Moved, Ticket},
    knock::{AskedBy, Wish},
    policy::Class,
    position::{Reached, Stamp},
};

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
    /// Answer an event of a client's that waits for it.
    Acknowledge {
        conn: ConnId,
        reply: ReplyId,
        values: Values,
    },
    /// Send to every member on this shard, read with [`Shard::members`](crate::Shard::members).
    ///
    /// One effect a message, not one a member: the driver gathers a turn's messages by channel,
    /// frames each once per dialect and shares the bytes, so a room of ten thousand costs one
    /// encoding and ten thousand writes. Whoever joined after the message had its place is passed
    /// over by [`Member::after`](crate::Member::after), so gathering cannot deliver it twice.
    Deliver {
        publication: Arc<Publication>,
        stamp: Stamp,
    },
    /// Send one connection what it has missed, then say [`Input::Replayed`](crate::Input::Replayed)
    /// once its outbox is empty, so that whoever is far behind is not buried.
    Replay {
        conn: ConnId,
        messages: Vec<Arc<Publication>>,
    },
    /// Ask the store for something; it is answered in the order in which it is asked.
    Store(Task),
    /// Everything of this home up to here has been delivered before: it says so of itself where a
    /// channel begins to be followed. Only where anyone recovers, as the three that follow.
    Reached {
        home: ShardId,
        reached: Reached,
    },
    /// A connection has a seat that it was given, and its first place there once that is known.
    Seated {
        conn: ConnId,
        channel: ChannelName,
        at: Option<Placed>,
    },
    /// It has given it up, and stays.
    Unseated {
        conn: ConnId,
        channel: ChannelName,
    },
    /// Nothing of a log is to be sent to it any more in one of the channels where it goes on.
    CaughtUp {
        conn: ConnId,
    },
    /// It goes on where it was in all its channels: behind these places it is sent everything.
    /// Comes before it is told that it is in.
    Recovered {
        conn: ConnId,
        places: Vec<(ChannelName, Placed)>,
    },
    /// Say what an earlier connection of the session was subscribed to; answer with
    /// [`Input::Resumed`](crate::Input::Resumed).
    TakeUp {
        conn: ConnId,
        session: SessionId,
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
    /// Send a ping that carries this number: nothing was heard for a while, or mail is to be
    /// proved.
    Ping {
        conn: ConnId,
        number: u32,
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

/// What a shard can ask of the store.
#[derive(Debug)]
pub enum Task {
    /// Say where the channel's log stands on disk, after everything asked of the disk before;
    /// answer with [`Input::Loaded`](crate::Input::Loaded).
    Load { channel: ChannelName },
    /// Write a message behind the last of its log; answer with
    /// [`Input::Appended`](crate::Input::Appended), once it is safe or has failed.
    Append { publication: Arc<Publication>, key: Option<Arc<str>>, class: Class },
    /// Write a cursor; answer with [`Input::Moved`](crate::Input::Moved).
    Move { channel: ChannelName, moved: Moved },
    /// Remove a log; answer with [`Input::Erased`](crate::Input::Erased).
    Erase { channel: ChannelName, ticket: Ticket },
    /// Read a part of a log from disk; answer with [`Input::Found`](crate::Input::Found).
    Find {
        channel: ChannelName,
        epoch: Epoch,
        span: Span,
        messages_max: usize,
        bytes_max: usize,
        wish: Wish,
        asked_by: AskedBy,
    },
    /// Say which was the last message of a log when this row was the last of all; answer with
    /// [`Input::Located`](crate::Input::Located).
    Locate {
        channel: ChannelName,
        epoch: Epoch,
        row: u64,
        /// Where whoever asks took its seat; goes back with the answer.
        joined: Placed,
        asked_by: AskedBy,
    },
}

#[derive(Clone, Debug)]
pub enum Ask {
    /// Which of the channels that an earlier connection was in may this one be in again? Comes
    /// before [`Ask::Connected`]; answered with [`Input::Returned`](crate::Input::Returned).
    Returned {
        rooms: Vec<ChannelName>,
    },
    /// It is here; `recovered`, if it is and will be told all that it has missed in its channels.
    Connected {
        recovered: bool,
    },
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
    Read(Page),
    Cursor(Marked),
    Present(Roll),
    Erased,
    /// It was not done.
    Refused(Refusal),
}
