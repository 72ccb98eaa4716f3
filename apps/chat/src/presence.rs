//! Who is here: whoever has a socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{outcome::Audience, stop::Stop, turn::Turn};

/// Sockets by user. As many entries as the gateway has users connected.
#[derive(Debug, Default)]
pub(crate) struct Here {
    sockets: BTreeMap<String, u32>,
}

impl Here {
    /// Whether this is the first socket of theirs.
    pub(crate) fn came(&mut self, user: &str) -> bool {
        let count = self.sockets.entry(user.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Whether that was the last socket of theirs.
    pub(crate) fn left(&mut self, user: &str) -> bool {
        let Some(count) = self.sockets.get_mut(user) else { return false };
        *count -= 1;
        let was_last = *count == 0;
        if was_last {
            self.sockets.remove(user);
        }
        was_last
    }

    pub(crate) fn has(&self, user: &str) -> bool {
        self.sockets.contains_key(user)
    }

    /// Sockets of everybody.
    pub(crate) fn count(&self) -> u64 {
        self.sockets.values().map(|it| u64::from(*it)).sum()
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.sockets.keys().map(String::as_str)
    }
}

/// Under the names of two eras.
pub(crate) fn tell(turn: &mut Turn<'_>, is_online: bool) {
    let id = turn.user.id.clone();
    let (event, payload) = if is_online {
        ("user:online", json!({ "userId": id, "user": turn.user.to_json() }))
    } else {
        ("user:offline", json!({ "userId": id }))
    };
    turn.tell(Audience::Everyone, event, payload);
    let payload = json!({ "userId": id, "isOnline": is_online });
    turn.tell(Audience::Everyone, "presence:update", payload);
}

pub(crate) fn online(turn: &Turn<'_>) -> Result<Value, Stop> {
    Ok(json!({ "users": turn.here.users().collect::<Vec<_>>() }))
}
