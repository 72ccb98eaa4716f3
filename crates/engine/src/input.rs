//! What a shard can be told. Facts are in the past tense; requests are in the imperative.

use std::{sync::Arc, time::Duration};

use proto::{
    Action, ChannelName, ConnId, Identity, Message, Offset, Placed, Publication, Refusal, Request,
    RequestId, SessionId, ShardId, UnixTime, UserId,
};

#[derive(Debug)]
pub enum Input {
    /// Admission let a connection in and the upgrade has been answered.
    Opened { conn: ConnId, opened: Box<Opened> },
    /// Something arrived, if only a pong: the connection lives.
    Heard { conn: ConnId },
    /// A client that speaks in commands asked for something, or tried to.
    Requested { conn: ConnId, request: Result<Request, (Option<RequestId>, Refusal)> },
    /// A client whose words only its application understands said something.
    Said { conn: ConnId, message: Message },
    /// The token of a first message or of a refresh has been checked.
    Authenticated { conn: ConnId, proof: Result<Box<Proof>, Refusal> },
    /// The application answered what it was asked.
    Answered { conn: ConnId, answer: Result<Vec<Action>, Refusal> },
    /// The outbox would not take messages `from` to `to` of the channel.
    Overfull { conn: ConnId, channel: ChannelName, from: Offset, to: Offset },
    /// The outbox of a connection that had been overfull is empty.
    Unclogged { conn: ConnId },
    /// The socket is gone.
    Closed { conn: ConnId },
    /// Another shard sent something.
    Sent { envelope: Envelope },
    /// Another shard sent more than our inbox holds: anything may have been missed.
    Overflowed,
    /// This shard replaces one that ended over a bug and whose sockets have been closed. Comes
    /// before any other input. The driver goes on counting the lives of slots where the other
    /// stopped, so that what was meant for its connections finds nobody.
    TookOver,
    /// Someone outside, holding a ticket for the outcome, wants something done.
    Sought { ticket: Ticket, errand: Errand },
    /// The time [`Shard::wakes_at`](crate::Shard::wakes_at) named has come.
    Woke,
    /// Part with every connection, spread evenly over this time.
    Drain { over: Duration },
}

/// A connection as admission lets it in.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The route's place in [`Rules::policies`](crate::Rules::policies).
    pub policy: u16,
    /// `None` on routes that ask for no token, and while a first message is awaited.
    pub proof: Option<Proof>,
    /// The token comes with the first message.
    pub awaits_token: bool,
    /// Channels the route joins at once.
    pub channels: Vec<ChannelName>,
}

/// A verified token, and for how long.
#[derive(Clone, Debug)]
pub struct Proof {
    pub identity: Arc<Identity>,
    /// Counted on the monotonic clock from the moment of verification.
    pub expires_in: Duration,
    /// Channels to join, where the route's names depend on the token.
    pub channels: Vec<ChannelName>,
    /// The session it comes with, where the route keeps any, and whether that was there before.
    pub session: Option<(SessionId, bool)>,
}

/// What shards say to each other. Between two shards, envelopes arrive in the order they were sent.
#[derive(Clone, Debug)]
pub enum Envelope {
    /// To the home shard: give this a place and pass it on.
    Publish { draft: Draft, origin: Origin },
    /// To the home shard: we have members from now on.
    Follow { channel: ChannelName, follow: FollowId, shard: ShardId },
    /// To the home shard: we have no members any more.
    Unfollow { channel: ChannelName, shard: ShardId },
    /// From a shard that has lost envelopes, or everything: it has no members, and may not know
    /// what it was told. Answered with [`Envelope::FollowAll`].
    Forgot { shard: ShardId },
    /// To a home shard that forgot: these are the channels we have members in, and there are no
    /// others. One envelope for all, so that asking again cannot overflow the inbox again.
    FollowAll { channels: Vec<(ChannelName, FollowId)>, shard: ShardId },
    /// From the home shard, in answer to that.
    FollowedAll { places: Vec<(ChannelName, FollowId, Placed)> },
    /// From the home shard: everything after this place will reach you.
    Followed { channel: ChannelName, follow: FollowId, at: Placed },
    /// From the home shard: for your members.
    Published { publication: Arc<Publication> },
    /// From the home shard: what a connection of yours published has this place.
    Placed { origin: Origin, channel: ChannelName, at: Option<Placed> },
    /// From the canary's home: sing.
    Canary { text: Arc<str> },
}

/// Tells one follow of a channel from an earlier one, whose answer may still be on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FollowId(pub u64);

/// Something said, before it has a place.
#[derive(Clone, Debug)]
pub struct Draft {
    pub channel: ChannelName,
    pub payload: Arc<str>,
    pub from: Option<UserId>,
    pub except: Option<UserId>,
    /// Delivered to whoever is here and given no offset.
    pub is_signal: bool,
}

/// Who waits to hear that something was published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    Nobody,
    Conn { shard: ShardId, conn: ConnId, id: RequestId },
    Ticket(Ticket),
}

/// Someone outside the shards who waits for an outcome.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(pub u64);

/// What someone outside can want.
#[derive(Clone, Debug)]
pub enum Errand {
    /// Publish. Post it to the channel's home shard ([`home_of`](crate::home_of)).
    Publish(Draft),
    /// Tell how many members the channel has here, and its head if it is at home here.
    Describe(ChannelName),
    /// End connections of this shard.
    Disconnect(Whom, Refusal),
    /// Publish the canary. Post it to the canary's home; every shard then reports it with its text.
    Canary(Arc<str>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whom {
    User(UserId),
    Conn(ConnId),
    /// Whoever showed the token of this `jti`.
    Token(Arc<str>),
    /// Whose token, of this user or of anyone, was issued before a time or does not say when.
    IssuedBefore {
        user: Option<UserId>,
        before: UnixTime,
    },
}
