//! What comes of an event: an answer, and what others are told.

use serde_json::{Value, json};

/// Who is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Audience {
    /// The socket that the event came from.
    Sender,
    /// All sockets of a user.
    User(String),
    /// All sockets of the sender's user but the one that the event came from.
    Elsewhere,
    /// All sockets in a room.
    Room(Room),
    /// All sockets in a room but those of the sender's user.
    Others(Room),
    /// All sockets there are but those of the sender's user.
    Everyone,
}

/// What sockets join. Not membership: that is in the database, and outlives them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Room {
    /// `channel:<id>`.
    Channel(i64),
    /// `thread:<id>`, after the message it began with.
    Thread(i64),
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Emit {
    /// Whom.
    pub to: Audience,
    /// Under which name.
    pub event: &'static str,
    /// What: the event's one value.
    pub payload: Value,
}

impl Emit {
    /// Whether it is true only for a moment: nobody who comes back is told of it.
    pub(crate) fn is_passing(&self) -> bool {
        self.to == Audience::Elsewhere || self.event.contains("typing")
    }
}

/// Sockets that join or leave a room, before anything is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Move {
    /// The sender's socket joins.
    Join(Room),
    /// The sender's socket leaves.
    Leave(Room),
    /// All sockets of a user join.
    Bring(String, Room),
}

/// All that comes of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// `{"success":true,"data":…,"processed":true}` or `{"success":false,"error":"…"}`. There is
    /// always one: a client that gets none waits five seconds and takes it for a failure.
    pub ack: Value,
    /// Who goes where.
    pub moves: Vec<Move>,
    /// Who is told what, in order.
    pub emits: Vec<Emit>,
}

pub(crate) fn success(data: Value) -> Value {
    json!({ "success": true, "data": data, "processed": true })
}

pub(crate) fn failure(error: &str) -> Value {
    json!({ "success": false, "error": error })
}
