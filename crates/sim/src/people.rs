//! People: what they do, and what they believe after what they have heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proto::{
    ChannelName, ConnId, Cursor, Epoch, Mark, Offset, Placed, RequestId, SessionId, Span, Start,
};

use crate::{
    dice::Dice,
    rules::{self, APP, NATIVE, PLAIN},
};

mod doing; // What comes to their minds.

/// Someone with a device that comes back.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) user: &'static str,
    pub(crate) route: u16,
    pub(crate) device: Option<Arc<str>>,
    /// What their device calls its session.
    pub(crate) id: SessionId,
    /// How long between two looks at the socket; slow readers miss things.
    pub(crate) reads_every: Duration,
    /// One of so many deeds is to leave.
    leaves_once_in: usize,
    acknowledges: Acknowledges,
    pub(crate) session: Option<Session>,
    /// Sessions so far: what was meant for an earlier one is no longer wanted.
    pub(crate) life: u32,
    /// What they have of each channel: everything up to here that they were owed.
    pub(crate) has: BTreeMap<ChannelName, Placed>,
    /// What they said last with a key.
    pub(crate) said: Vec<Said>,
    keys: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Acknowledges {
    /// Now and then, everything they have.
    Gladly,
    /// A part of it, or what they have acknowledged before.
    Late,
    Never,
    /// What they have not been sent, too.
    Wrongly,
}

/// Something that can be said again with its key.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) channel: ChannelName,
    pub(crate) payload: Arc<str>,
    pub(crate) key: Arc<str>,
    pub(crate) at: Duration,
}

/// From a connect to a close, as the client sees it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) shard: u16,
    pub(crate) conn: ConnId,
    pub(crate) is_connected: bool,
    /// The token comes with the first message.
    pub(crate) awaits_token: bool,
    pub(crate) token: Option<String>,
    pub(crate) role: String,
    /// Where it stands in the channels it is in; `None` until the first message says.
    pub(crate) stands: BTreeMap<ChannelName, Option<Placed>>,
    /// Mail that is being sent again: the last of it that came.
    pub(crate) again: BTreeMap<ChannelName, Offset>,
    /// Channels that were taken up, and are to be told where they begin.
    pub(crate) taken_up: BTreeSet<ChannelName>,
    /// What it named when it took them up.
    pub(crate) named: BTreeMap<ChannelName, Placed>,
    /// How far its user had come in each channel when it began, or took up what it had.
    pub(crate) floors: BTreeMap<ChannelName, Floor>,
    pub(crate) may_resume: bool,
    /// Left before a place was known, which is told before the leaving itself.
    pub(crate) left: BTreeSet<ChannelName>,
    /// Requests that have not been answered, and when they were asked.
    pub(crate) asked: BTreeMap<u64, (Asked, Duration)>,
    pub(crate) id_next: u64,
    /// Messages to the application.
    pub(crate) said: u64,
    pub(crate) has_heard_application: bool,
}

/// How far somebody had come, in which epoch.
pub(crate) type Floor = (Epoch, Cursor);

/// What a request was about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Connect,
    /// With how far its user had come when it was asked.
    Subscribe(ChannelName, Start, Option<Floor>),
    Resume(Vec<(ChannelName, Placed)>),
    Unsubscribe(ChannelName),
    Publish(ChannelName, Arc<str>, Option<Arc<str>>),
    Signal(ChannelName),
    /// With what the channel's head had been told to be.
    History {
        channel: ChannelName,
        span: Span,
        epoch: Option<Epoch>,
        limit: u16,
        head: Option<Placed>,
    },
    Mark(ChannelName, Mark, Offset),
    Refresh {
        role: String,
    },
    Ping,
}

/// What somebody does next.
#[derive(Debug)]
pub(crate) enum Deed {
    Connect,
    /// Close properly, or vanish with everything unread.
    Leave,
    Ask(Asked, Option<String>),
    /// Publish something new, or with its key something that was said before.
    Publish(ChannelName),
    Repeat(Said),
    Say,
    Nothing,
}

impl Person {
    pub(crate) fn new(number: usize, dice: &mut Dice) -> Self {
        let user = ["u0", "u1", "u2"][number % 3];
        let route = dice.pick(&[NATIVE, NATIVE, NATIVE, NATIVE, PLAIN, APP]);
        let reads_every = if dice.once_in(4) { dice.millis(300, 1500) } else { dice.millis(5, 60) };
        let device = (route == NATIVE).then(|| format!("d{number}").into());
        Self {
            user,
            route,
            device,
            id: SessionId(number as u128 + 1),
            reads_every,
            leaves_once_in: dice.pick(&[12, 25, 200]),
            acknowledges: dice.pick(&[
                Acknowledges::Gladly,
                Acknowledges::Gladly,
                Acknowledges::Late,
                Acknowledges::Never,
                Acknowledges::Wrongly,
            ]),
            session: None,
            life: 0,
            has: BTreeMap::new(),
            said: Vec::new(),
            keys: 0,
        }
    }

    /// Channels the route joins at once.
    pub(crate) fn joins(&self) -> Vec<ChannelName> {
        let own = format!("user:{}", self.user);
        let names = match self.route {
            PLAIN => vec!["room:0", "news:0", "mail:0", "log:0", own.as_str()],
            APP => vec!["room:1", "post:0", own.as_str()],
            _ => Vec::new(),
        };
        names.into_iter().map(rules::channel).collect()
    }

    /// The socket is gone; answers which it was.
    pub(crate) fn part(&mut self) -> Option<(u16, ConnId)> {
        self.life += 1;
        self.session.take().map(|it| (it.shard, it.conn))
    }

    /// Remembers something that was said with a key, and gives it one.
    pub(crate) fn keep(&mut self, channel: ChannelName, payload: Arc<str>, at: Duration) -> Said {
        self.keys += 1;
        let said =
            Said { channel, payload, key: format!("{}k{}", self.id.0, self.keys).into(), at };
        self.said.push(said.clone());
        if 4 < self.said.len() {
            self.said.remove(0);
        }
        said
    }
}

impl Session {
    pub(crate) const fn new(shard: u16, conn: ConnId) -> Self {
        Self {
            shard,
            conn,
            is_connected: false,
            awaits_token: false,
            token: None,
            role: String::new(),
            stands: BTreeMap::new(),
            again: BTreeMap::new(),
            taken_up: BTreeSet::new(),
            named: BTreeMap::new(),
            floors: BTreeMap::new(),
            may_resume: true,
            left: BTreeSet::new(),
            asked: BTreeMap::new(),
            id_next: 1,
            said: 0,
            has_heard_application: false,
        }
    }

    pub(crate) fn number(&mut self, asked: Asked, now: Duration) -> RequestId {
        let id = self.id_next;
        self.id_next += 1;
        self.asked.insert(id, (asked, now));
        RequestId(id)
    }
}
