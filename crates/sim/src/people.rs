//! People: what they do, and what they believe after what they have heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proto::{ChannelName, ConnId, Placed, RequestId};

use crate::{
    dice::Dice,
    rules::{self, APP, CHANNELS, NATIVE, PLAIN},
};

/// Someone with a device that comes back.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) user: &'static str,
    pub(crate) route: u16,
    /// How long between two looks at the socket; slow readers miss things.
    pub(crate) reads_every: Duration,
    pub(crate) session: Option<Session>,
    /// Sessions so far: what was meant for an earlier one is no longer wanted.
    pub(crate) life: u32,
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
    /// Left before a place was known, which is told before the leaving itself.
    pub(crate) left: BTreeSet<ChannelName>,
    /// Requests that have not been answered.
    pub(crate) asked: BTreeMap<u64, Asked>,
    pub(crate) id_next: u64,
    /// Messages to the application.
    pub(crate) said: u64,
    pub(crate) has_heard_application: bool,
}

/// What a request was about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Connect,
    Subscribe(ChannelName),
    Unsubscribe(ChannelName),
    Publish(ChannelName),
    Signal(ChannelName),
    Refresh { role: String },
    Ping,
}

/// What somebody does next.
#[derive(Debug)]
pub(crate) enum Deed {
    Connect,
    /// Close properly, or vanish with everything unread.
    Leave,
    Ask(Asked, Option<String>),
    Say,
    Nothing,
}

impl Person {
    pub(crate) fn new(number: usize, dice: &mut Dice) -> Self {
        let user = ["u0", "u1", "u2"][number % 3];
        let route = dice.pick(&[NATIVE, NATIVE, NATIVE, PLAIN, APP]);
        let reads_every = if dice.once_in(4) { dice.millis(300, 1500) } else { dice.millis(5, 60) };
        Self { user, route, reads_every, session: None, life: 0 }
    }

    pub(crate) fn deed(&self, dice: &mut Dice) -> Deed {
        let Some(session) = &self.session else { return Deed::Connect };
        if dice.once_in(25) {
            return Deed::Leave;
        }
        match self.route {
            APP => Deed::Say,
            NATIVE if session.awaits_token && session.asked.is_empty() => match &session.token {
                Some(token) => Deed::Ask(Asked::Connect, Some(token.clone())),
                None => Deed::Nothing,
            },
            NATIVE if session.is_connected => self.request(dice),
            _ => Deed::Nothing,
        }
    }

    fn request(&self, dice: &mut Dice) -> Deed {
        let channel = rules::channel(dice.pick(&CHANNELS));
        let asked = match dice.below(16) {
            0..5 => Asked::Subscribe(channel),
            5 | 6 => Asked::Unsubscribe(channel),
            7 => Asked::Signal(channel),
            8 => Asked::Ping,
            9 => {
                let (role, token) = self.token(dice);
                return Deed::Ask(Asked::Refresh { role }, Some(token));
            }
            _ => Asked::Publish(channel),
        };
        Deed::Ask(asked, None)
    }

    /// Mostly a good token of this user; sometimes not a token, sometimes somebody else's.
    pub(crate) fn token(&self, dice: &mut Dice) -> (String, String) {
        let role = dice.pick(&["guest", "staff"]);
        let user = if dice.once_in(15) { "u9" } else { self.user };
        let lasts = dice.millis(2_000, 15_000).as_millis();
        let token = format!("{user} {role} {lasts}");
        (role.to_owned(), if dice.once_in(15) { "forged".to_owned() } else { token })
    }

    /// Channels the route joins at once.
    pub(crate) fn joins(&self) -> Vec<ChannelName> {
        let own = format!("user:{}", self.user);
        let names = match self.route {
            PLAIN => vec!["room:0", "news:0", own.as_str()],
            APP => vec!["room:1", own.as_str()],
            _ => Vec::new(),
        };
        names.into_iter().map(rules::channel).collect()
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
            left: BTreeSet::new(),
            asked: BTreeMap::new(),
            id_next: 1,
            said: 0,
            has_heard_application: false,
        }
    }

    pub(crate) fn number(&mut self, asked: Asked) -> RequestId {
        let id = self.id_next;
        self.id_next += 1;
        self.asked.insert(id, asked);
        RequestId(id)
    }
}
