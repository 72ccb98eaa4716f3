//! What a client asks for, whatever it called it.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Messages(OfMessages),
    Channels(OfChannels),
}

impl Command {
    /// Whether what it writes may be gone after a loss of power: the client says it again, or
    /// nobody misses it.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::Messages(it) => {
                matches!(it, OfMessages::Receive { .. } | OfMessages::Read { .. })
            }
            Self::Channels(it) => {
                matches!(it, OfChannels::Draft { .. } | OfChannels::Type { .. })
            }
        }
    }
}

/// About messages, and what hangs on them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OfMessages {
    Send {
        channel: i64,
        content: String,
        temp_id: Option<String>,
    },
    Edit {
        message: i64,
        content: String,
    },
    Delete {
        message: i64,
    },
    EnterThread {
        thread: i64,
    },
    ExitThread {
        thread: i64,
    },
    Reply {
        thread: i64,
        content: String,
        temp_id: Option<String>,
    },
    React {
        message: i64,
        kind: String,
    },
    Unreact {
        message: i64,
        kind: String,
    },
    Receive {
        message: i64,
    },
    Read {
        message: i64,
    },
    /// A reaction arrived. Nobody waits to hear that.
    Noted,
    Status {
        message: i64,
    },
    OfflineCount,
}

/// About channels, and the people in them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OfChannels {
    Enter {
        channel: i64,
    },
    Exit {
        channel: i64,
    },
    Create {
        draft: NewChannel,
    },
    /// Made over HTTP, and now to be told.
    Announce {
        channel: i64,
    },
    Update {
        channel: i64,
        name: Option<String>,
        description: Option<String>,
    },
    Promote {
        channel: i64,
        user: String,
        role: Role,
    },
    List,
    Invite {
        channel: i64,
        user: String,
    },
    Respond {
        invitation: i64,
        is_accepted: bool,
    },
    Type {
        channel: i64,
        is_typing: bool,
    },
    WhoTypes {
        channel: i64,
    },
    Online,
    Draft {
        channel: i64,
        content: String,
        device: String,
        written_at: Option<i64>,
    },
    Scroll {
        position: Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewChannel {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) description: Option<String>,
    pub(crate) members: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Public,
    Private,
    Direct,
}

/// Greater may do more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Role {
    Member,
    Admin,
    Owner,
}

impl Kind {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Private, Self::Direct].into_iter().find(|it| it.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Private => "PRIVATE",
            Self::Direct => "DM",
        }
    }
}

impl Role {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Admin, Self::Owner].into_iter().find(|it| it.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }
}
