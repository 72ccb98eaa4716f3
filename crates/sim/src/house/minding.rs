//! What clients asked, to compare with what they are told.

use std::sync::Arc;

use engine::{Envelope, Task};
use proto::{Code, Command, ConnId, Event, Placed, Request};

use super::{Checked, House, Said};
use crate::{
    model::Model,
    rules::{self, Kept},
};

impl House {
    /// Remembers what a client publishes and acknowledges.
    pub(super) fn mind(&mut self, conn: ConnId, request: &Request, model: &mut Model) {
        let Some(socket) = self.sockets.get_mut(&conn).filter(|_| self.open.contains(&conn)) else {
            return;
        };
        if let (Command::Publish { channel, payload, key }, Some(id)) =
            (&request.command, request.id)
        {
            let user = socket.user;
            let key = key.as_ref().map(|it| Arc::from(format!("{user}:{it}")));
            let said = Said { channel: channel.clone(), payload: Arc::clone(payload), key };
            model.attempt(channel, payload, None);
            self.publishing.insert((conn, id), said);
        } else if let Command::Mark { channel, offset, .. } = &request.command
            && let Some(Some(Placed { offset: sent, .. })) = socket.subscriptions.get(channel)
            && offset <= sent
        {
            let acknowledged = socket.acknowledged.entry(channel.clone()).or_default();
            *acknowledged = *offset.max(acknowledged);
        }
    }

    pub(super) fn check_told(&mut self, conn: ConnId, event: &Event, model: &mut Model) -> Checked {
        if let Event::Published { id, channel, at } = event {
            model.tell(channel, *at)?;
            let Some(said) = self.publishing.remove(&(conn, *id)) else { return Ok(()) };
            if said.channel != *channel {
                return Err(format!("{said:?} is {event:?}"));
            }
            let is_kept = rules::kept(channel) != Kept::Nowhere;
            if let Some(key) = said.key.filter(|_| is_kept) {
                model.tell_key(channel, key, *at)?;
            }
        } else if let Event::Refused { id: Some(id), refusal } = event {
            if let Some(said) = self.publishing.remove(&(conn, *id))
                && refusal.code == Code::StoreUnavailable
            {
                model.refuse(&said.payload);
            }
        } else if let Event::History { page, .. } = event {
            page.messages.iter().try_for_each(|it| model.given(it))?;
        } else if let Event::Marked { channel, cursor, .. } = event {
            let Some(socket) = self.sockets.get(&conn) else { return Ok(()) };
            let Some(reader) = rules::reader(channel, socket.user, socket.device.as_ref()) else {
                return Err(format!("{channel} has no cursors, and {event:?}"));
            };
            let on_disk = model.marks.on_disk(channel, &reader);
            if rules::kept(channel) != Kept::InMemory
                && !model.was_erased(channel)
                && on_disk.forward(*cursor) != on_disk
            {
                return Err(format!("{event:?} of {reader:?}, on disk {on_disk:?}"));
            }
        }
        Ok(())
    }
}

/// Nobody has come further than they said.
pub(super) fn check_task(task: &Task, model: &Model) -> Checked {
    let Task::Move { channel, moved } = task else { return Ok(()) };
    match model.has_come(channel, &moved.reader, moved.cursor.delivered) {
        true => Ok(()),
        false => Err(format!("{moved:?} in {channel}, and nobody has come so far")),
    }
}

pub(super) fn check_envelope(envelope: &Envelope, model: &mut Model) -> Checked {
    if let Envelope::Published { publication, .. } = envelope {
        return model.live(publication);
    }
    if let Envelope::Placed { channel, at: Ok(Some(at)), .. } = envelope {
        return model.tell(channel, *at);
    }
    Ok(())
}
