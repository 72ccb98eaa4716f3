//! One connection, as an application sees it.

use std::{net::IpAddr, sync::Arc};

use proto::{ChannelName, ConnId, Identity};

/// Who is on the other side of a connection, and by which route they came.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Meaningful only while the connection lives. Before the upgrade it has no meaning at all.
    pub conn: ConnId,
    /// `None` only on routes that ask for no token.
    pub identity: Option<Arc<Identity>>,
    /// The route's name in the configuration.
    pub route: Arc<str>,
    /// What the route's path captured, in order: `/ws/projects/{id}` gives `[("id", "7")]`.
    pub captures: Arc<[(Arc<str>, Arc<str>)]>,
    /// The client's address, after trusted proxies were believed.
    pub address: IpAddr,
    /// What a Socket.IO client said of itself as it joined: the JSON object of its CONNECT, which
    /// has the token in it. Believe nothing else in it either.
    pub auth: Option<Arc<str>>,
    /// The namespace that a Socket.IO client has joined, such as `/` or `/admin`. Each one is a
    /// connection of its own.
    pub namespace: Option<Arc<str>>,
    /// In which channels it goes on where an earlier connection of its was, if it does.
    pub recovered: Option<Arc<[ChannelName]>>,
}

impl Visitor {
    /// The user's id; empty on routes that ask for no token.
    pub fn user(&self) -> &str {
        self.identity.as_ref().map_or("", |it| it.user.as_str())
    }

    /// A claim of the token, as text.
    pub fn claim(&self, name: &str) -> Option<String> {
        self.identity.as_ref()?.claim(name)
    }

    /// What the path captured under `name`.
    pub fn capture(&self, name: &str) -> Option<&str> {
        self.captures.iter().find(|it| &*it.0 == name).map(|it| &*it.1)
    }
}
