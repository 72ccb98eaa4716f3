//! How far everyone has come, as far as they said so and were told.

use std::collections::BTreeMap;

use proto::{ChannelName, Cursor, Epoch, Offset, Reader};

type Of = (ChannelName, Reader);

#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The furthest that anybody asked for, or that a ping's answer proved.
    asked: BTreeMap<Of, Offset>,
    /// The furthest that somebody was told, and the epoch they were in.
    told: BTreeMap<Of, (Epoch, Cursor)>,
    /// What the disk has.
    stored: BTreeMap<Of, Cursor>,
}

impl Marks {
    pub(crate) fn ask(&mut self, channel: &ChannelName, reader: &Reader, offset: Offset) {
        let asked = self.asked.entry((channel.clone(), reader.clone())).or_default();
        *asked = offset.max(*asked);
    }

    pub(crate) fn asked(&self, channel: &ChannelName, reader: &Reader) -> Offset {
        self.asked.get(&(channel.clone(), reader.clone())).copied().unwrap_or_default()
    }

    pub(crate) fn stored(&mut self, channel: &ChannelName, reader: &Reader, cursor: Cursor) {
        self.stored.insert((channel.clone(), reader.clone()), cursor);
    }

    pub(crate) fn on_disk(&self, channel: &ChannelName, reader: &Reader) -> Cursor {
        self.stored.get(&(channel.clone(), reader.clone())).copied().unwrap_or_default()
    }

    pub(crate) fn tell(
        &mut self,
        channel: &ChannelName,
        reader: &Reader,
        epoch: Epoch,
        cursor: Cursor,
    ) {
        let told = self.told.entry((channel.clone(), reader.clone())).or_insert((epoch, cursor));
        *told = match told.0 == epoch {
            true => (epoch, told.1.forward(cursor)),
            false => (epoch, cursor),
        };
    }

    /// What somebody may count on from now on.
    pub(crate) fn told(&self, channel: &ChannelName, reader: &Reader) -> Option<(Epoch, Cursor)> {
        self.told.get(&(channel.clone(), reader.clone())).copied()
    }

    /// The channel begins anew.
    pub(crate) fn forget(&mut self, channel: &ChannelName) {
        self.stored.retain(|of, _| of.0 != *channel);
    }

    /// Cursors on disk go no further than what is left.
    pub(crate) fn clamp(&mut self, channel: &ChannelName, head: Offset) {
        for (_, cursor) in self.stored.iter_mut().filter(|it| it.0.0 == *channel) {
            let Cursor { delivered, read } = *cursor;
            *cursor = Cursor { delivered: delivered.min(head), read: read.min(head) };
        }
    }
}
