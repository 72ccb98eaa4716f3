//! What a connection is for, told by its route's name and what its path captured.

use app::Visitor;
use proto::{ChannelName, Code, Refusal};

use crate::said;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// `/ws/notifications/`, and `/` for clients that were given a base address without a path
    /// (C8).
    Notifications,
    /// `/ws/projects/{id}/`. No id: what was asked for cannot be a project's.
    Project { id: Option<i64>, channel: ChannelName },
    /// `/ws/collaboration/{room}/`.
    Room(ChannelName),
    /// `/ws/system-health/`.
    Health,
}

impl Place {
    pub(crate) fn of(visitor: &Visitor) -> Result<Self, Refusal> {
        match &*visitor.route {
            "notifications" | "notifications-root" => Ok(Self::Notifications),
            "projects" => {
                let id = captured(visitor, "id")?;
                Ok(Self::Project { id: said::number_in(id), channel: channel("project", id)? })
            }
            "collaboration" => {
                Ok(Self::Room(channel("collaboration", captured(visitor, "room")?)?))
            }
            "system-health" => Ok(Self::Health),
            other => {
                tracing::warn!(route = other, "the notifications app knows no route of this name");
                Err(Code::NoSuchRoute.into())
            }
        }
    }
}

fn captured<'a>(visitor: &'a Visitor, name: &str) -> Result<&'a str, Refusal> {
    visitor.capture(name).ok_or_else(|| {
        tracing::warn!(route = &*visitor.route, capture = name, "the route captures no such part");
        Code::NoSuchRoute.into()
    })
}

fn channel(namespace: &str, name: &str) -> Result<ChannelName, Refusal> {
    ChannelName::parse(&format!("{namespace}:{name}")).map_err(|_| Code::BadChannel.into())
}
