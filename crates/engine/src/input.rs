//! What a shard can be told. Facts are in the past tense; requests are in the imperative.

use std::{sync::Arc, time::Duration};

use proto::{
    Action, ChannelName, Code, ConnId, Cursor, Epoch, Identity, LogHead, Message, Offset, Page,
    Placed, Publication, Reader, Refusal, Request, RequestId, Roll, SessionId, ShardId, Span,
    Status, UnixMillis, UnixTime, UserId, Who,
};

use crate::{
    knock::{AskedBy, Marking, Wish},
    position::{Position, Reached, Stamp},
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
    /// The application has said in which rooms the connection goes on, or that it begins anew.
    Returned { conn: ConnId, rooms: Option<Vec<ChannelName>> },
    /// The outbox would not take messages `from` to `to` of the channel.
    Overfull { conn: ConnId, channel: ChannelName, from: Offset, to: Offset },
    /// The outbox of a connection that had been overfull is empty.
    Unclogged { conn: ConnId },
    /// The outbox of a connection that was sent a part of a log is empty.
    Replayed { conn: ConnId },
    /// The ping of ours that carried this number was answered: everything sent before it has
    /// arrived.
    Ponged { conn: ConnId, number: u32 },
    /// What an earlier connection of the session was subscribed to, and what it had been sent.
    Resumed { conn: ConnId, taken_up: Result<TakenUp, Refusal> },
    /// The disk knows this of the channel's log; nothing, if it has none.
    Loaded { channel: ChannelName, loaded: Result<Option<Loaded>, Code> },
    /// The message is on disk, or is not. In the order in which they were appended.
    /// With its row, if it is.
    Appended { channel: ChannelName, at: Placed, outcome: Result<u64, Code> },
    /// The cursor is on disk, or is not.
    Moved { channel: ChannelName, moved: Moved, outcome: Result<(), Code> },
    /// The log is gone from the disk, or is not.
    Erased { channel: ChannelName, ticket: Ticket, outcome: Result<(), Code> },
    /// A part of a log, as it is on disk; `epoch` is the one that was asked about.
    Found {
        channel: ChannelName,
        epoch: Epoch,
        wish: Wish,
        asked_by: AskedBy,
        page: Result<Page, Code>,
    },
    /// The last message of a log that is not past the row which was asked about; `None` if that
    /// cannot be said.
    Located {
        channel: ChannelName,
        epoch: Epoch,
        stood_at: Option<Offset>,
        joined: Placed,
        asked_by: AskedBy,
    },
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
    /// What the client calls the device it is on.
    pub device: Option<Arc<str>>,
    /// It comes back after an interruption, and wants to go on where it was. It is told that it is
    /// in once it is known whether it can.
    pub returning: Option<Box<Returning>>,
}

/// Where somebody was who comes back.
#[derive(Clone, Debug)]
pub struct Returning {
    /// How far it has heard, as it says itself.
    pub position: Position,
    /// The channels that an earlier connection of its session was in, and the place of each when it
    /// took its seat there, if that was known.
    pub rooms: Vec<(ChannelName, Option<Placed>)>,
}

/// What an earlier connection of a session leaves behind.
#[derive(Clone, Debug)]
pub struct TakenUp {
    pub session: SessionId,
    /// The channels it had subscribed to, and the last place in each that it was sent.
    pub left: Vec<(ChannelName, Option<Placed>)>,
}

/// What the disk knows of a log.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub head: LogHead,
    /// When the last message was said.
    pub time: UnixMillis,
    pub cursors: Vec<(Reader, Cursor)>,
    /// Idempotency keys of the latest messages.
    pub keys: Vec<(Arc<str>, Offset)>,
}

/// A cursor that is on its way to the disk, and who wants to hear that it is there.
#[derive(Clone, Debug)]
pub struct Moved {
    pub reader: Reader,
    pub cursor: Cursor,
    pub origin: Origin,
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
    /// others; and who is in those with presence. One envelope for all, so that asking again cannot
    /// overflow the inbox again.
    FollowAll {
        channels: Vec<(ChannelName, FollowId)>,
        present: Vec<(ChannelName, Vec<Seats>)>,
        shard: ShardId,
    },
    /// From the home shard, in answer to that.
    FollowedAll { places: Vec<(ChannelName, FollowId, Placed)>, reached: Reached },
    /// From the home shard: everything after this place will reach you, and this is the last it has
    /// passed on, in whatever channel.
    Followed { channel: ChannelName, follow: FollowId, at: Placed, reached: Reached },
    /// From the home shard: for your members.
    Published { publication: Arc<Publication>, stamp: Stamp },
    /// From the home shard: what a connection of yours published has this place, or none, or was
    /// not taken.
    Placed { origin: Origin, channel: ChannelName, at: Result<Option<Placed>, Refusal> },
    /// From the home shard: it cannot say where the channel stands.
    NotFollowed { channel: ChannelName, follow: FollowId, refusal: Refusal },
    /// From the home shard: you have not been sent everything, and will not be.
    Missed { channel: ChannelName },
    /// To the home shard: we want this part of the log.
    Fetch { channel: ChannelName, wish: Wish, asked_by: AskedBy },
    /// From the home shard: here it is.
    Fetched { channel: ChannelName, asked_by: AskedBy, fetched: Result<Fetched, Refusal> },
    /// To the home shard: somebody has come so far.
    Mark { channel: ChannelName, mark: Marking, origin: Origin },
    /// From the home shard: so it is noted.
    Marked { channel: ChannelName, origin: Origin, marked: Result<Marked, Refusal> },
    /// To the home shard: this user writes on a connection of ours, or has stopped.
    Typing { channel: ChannelName, user: UserId, by: (ShardId, ConnId), active: bool },
    /// To the home shard: so many connections of somebody are in the channel here.
    Present { channel: ChannelName, shard: ShardId, seats: Seats },
    /// To the home shard: somebody wants to know who is in the channel.
    Inquire { channel: ChannelName, who: Who, origin: Origin },
    /// From the home shard: these are.
    Informed { channel: ChannelName, origin: Origin, roll: Roll },
    /// From the canary's home: sing.
    Canary { text: Arc<str> },
}

/// A part of a log for whoever asked, and where it stands.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub head: LogHead,
    /// The place before the first message.
    pub from: Offset,
    /// Whether this continues what a new member named. `None`: it named nothing.
    pub recovered: Option<bool>,
    /// How far its user has come, if that is kept.
    pub cursor: Option<Cursor>,
    pub messages: Vec<Arc<Publication>>,
}

/// How far somebody has come, and how much is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Marked {
    pub cursor: Cursor,
    pub unread: u64,
}

/// How many connections somebody has in a channel on one shard.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seats {
    /// `None`: connections without a user, and those that do not want to be seen.
    pub user: Option<UserId>,
    /// How many there were before, and are now.
    pub was: u32,
    pub count: u32,
    /// How the user wants to be seen, the strongest of all.
    pub status: Status,
    /// How long the user is waited for where there are none any more; zero if they left.
    pub grace: Duration,
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
    /// Only of signals.
    pub except_conn: Option<(ShardId, ConnId)>,
    /// What members who hear events hear it as.
    pub event: Option<Arc<str>>,
    /// Said again with the same key, it gets the place it has already.
    pub key: Option<Arc<str>>,
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
    /// Read a part of a log. Post it to the channel's home shard, as all that follow.
    Read { channel: ChannelName, span: Span, epoch: Option<Epoch>, limit: u16 },
    /// Tell how far somebody has come.
    Cursor { channel: ChannelName, reader: Reader },
    /// Tell who is in the channel.
    Presence { channel: ChannelName, who: Who },
    /// Forget a channel's log, and begin it anew in another epoch.
    Erase(ChannelName),
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
