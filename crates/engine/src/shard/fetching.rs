//! At a channel's home: parts of its log for whoever asks.

use std::sync::Arc;

use proto::{
    ChannelName, Code, ConnId, Epoch, Event, LogHead, Offset, Page, Publication, Refusal, Span,
    Start,
};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Outcome, Task},
    home::{Home, home_of},
    input::{Envelope, Fetched},
    knock::{AskedBy, Knock, Wish},
    log::Stage,
    recent::offset,
};

/// What a member who is behind is sent at once: fits into any outbox, and is written in one call.
const PART_MESSAGES_MAX: usize = 128;
const PART_BYTES_MAX: usize = 256 << 10;

/// What one reading answers with at most.
const PAGE_BYTES_MAX: usize = 1 << 20;

impl Shard {
    /// Asks the channel's home, which may be this shard.
    pub(super) fn ask_home(
        &mut self,
        now: Tick,
        channel: ChannelName,
        wish: Wish,
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let home = home_of(&channel, self.rules.shards);
        if home == self.rules.shard {
            let knock = Knock::Fetch { wish, asked_by };
            self.knock(now, channel, knock, effects);
        } else {
            let envelope = Envelope::Fetch { channel, wish, asked_by };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    pub(super) fn fetch(
        &mut self,
        now: Tick,
        channel: ChannelName,
        wish: Wish,
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        if let Wish::Locate { position, joined } = wish {
            self.locate(now, channel, &position, joined, asked_by, effects);
            return;
        }
        let rules = self.namespace(&channel).log;
        let Some(home) = self.homes.find_mut(&channel) else { return };
        home.used_at = now;
        home.trim(now, &rules);
        let head = home.head();
        let Some((span, messages_max, bytes_max)) = wanted(&wish, home, head) else {
            let fetched = answer(home, &wish, Page { head, messages: Vec::new() });
            self.hand_over(now, channel, asked_by, fetched, effects);
            return;
        };
        let here = home
            .log
            .as_ref()
            .and_then(|it| it.recent.part(span, it.first, messages_max, bytes_max as u64));
        match here {
            Some(messages) => {
                let fetched = answer(home, &wish, Page { head, messages });
                self.hand_over(now, channel, asked_by, fetched, effects);
            }
            None => effects.push(Effect::Store(Task::Find {
                epoch: head.at.epoch,
                channel,
                span,
                messages_max,
                bytes_max,
                wish,
                asked_by,
            })),
        }
    }

    /// The disk has answered.
    pub(super) fn found(
        &mut self,
        now: Tick,
        channel: ChannelName,
        epoch: Epoch,
        (wish, asked_by): (Wish, AskedBy),
        page: Result<Page, Code>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(home) = self.homes.find_mut(&channel) else {
            self.hand_over(now, channel, asked_by, Err(Code::Busy.into()), effects);
            return;
        };
        if home.at.epoch != epoch {
            // It was asked about an earlier life of the log, and found nothing.
            self.knock(now, channel, Knock::Fetch { wish, asked_by }, effects);
            return;
        }
        let fetched = match page {
            Ok(page) if is_another(home, &page) => {
                self.doubt(&channel, effects);
                Err(Code::StoreUnavailable.into())
            }
            Ok(page) => {
                if let Some(log) = &mut home.log {
                    log.first = log.first.max(page.head.first);
                    log.found(now, home.at, &page.messages);
                    log.recent.cut(log.first);
                }
                answer(home, &wish, completed(home, &wish, page))
            }
            Err(code) => Err(code.into()),
        };
        self.hand_over(now, channel, asked_by, fetched, effects);
    }

    /// The disk has another life of the log than is known here: it is asked where that stands. What
    /// is on its way there will not be taken, and leads to the same.
    pub(super) fn doubt(&mut self, channel: &ChannelName, effects: &mut Vec<Effect>) {
        let Some(log) = self.homes.find_mut(channel).and_then(|it| it.log.as_mut()) else { return };
        if matches!(log.stage, Stage::Ready) && log.pending.is_empty() {
            log.stage = Stage::Broken { retry_at: Tick::NEVER };
            effects.push(Effect::Store(Task::Load { channel: channel.clone() }));
        }
    }

    /// Gives a part of a log to whoever asked for it.
    pub(super) fn hand_over(
        &mut self,
        now: Tick,
        channel: ChannelName,
        asked_by: AskedBy,
        fetched: Result<Fetched, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        let shard = match asked_by {
            AskedBy::Ticket(ticket) => {
                let outcome = match fetched {
                    Ok(it) => Outcome::Read(Page { head: it.head, messages: it.messages }),
                    Err(refusal) => Outcome::Refused(refusal),
                };
                effects.push(Effect::Conclude { ticket, outcome });
                return;
            }
            AskedBy::Member { shard, .. }
            | AskedBy::Recovery { shard, .. }
            | AskedBy::Client { shard, .. } => shard,
        };
        if shard == self.rules.shard {
            self.fetched(now, channel, asked_by, fetched, effects);
        } else {
            let envelope = Envelope::Fetched { channel, asked_by, fetched };
            effects.push(Effect::Send { to: shard, envelope });
        }
    }

    /// On the shard of whoever asked: it has come.
    pub(super) fn fetched(
        &mut self,
        now: Tick,
        channel: ChannelName,
        asked_by: AskedBy,
        fetched: Result<Fetched, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        match asked_by {
            AskedBy::Member { conn, attempt, .. } => {
                self.caught_up(now, &channel, conn, attempt, fetched, effects);
            }
            AskedBy::Recovery { conn, attempt, .. } => {
                self.located_for(now, conn, attempt, channel, fetched, effects);
            }
            AskedBy::Client { conn, id, .. } => {
                let Some(record) = self.conns.find_mut(conn) else { return };
                // It may have been told meanwhile that this is not answered any more.
                if record.settle(|it| it.reading.take_if(|it| it.0 == id)).is_none() {
                    return;
                }
                match fetched {
                    Ok(fetched) => {
                        let messages = self.meant_for(conn, fetched.messages);
                        let page = Page { head: fetched.head, messages };
                        let event = Event::History { id, channel, page };
                        effects.push(Effect::Tell { conn, event });
                    }
                    Err(refusal) => self.refuse(conn, Some(id), refusal, effects),
                }
            }
            // Concluded at home.
            AskedBy::Ticket(_) => {}
        }
    }

    /// Without those that pass the connection's user over.
    pub(super) fn meant_for(
        &self,
        conn: ConnId,
        mut messages: Vec<Arc<Publication>>,
    ) -> Vec<Arc<Publication>> {
        messages.retain(|it| !self.is_excepted(conn, it));
        messages
    }
}

/// What has to be read for this; nothing, if it can be answered from what is known.
fn wanted(wish: &Wish, home: &Home, head: LogHead) -> Option<(Span, usize, usize)> {
    home.log.as_ref()?;
    let end = head.at.offset;
    if end.0 == 0 {
        return None;
    }
    let after = |after: Offset| {
        (after < end).then_some((Span::After(after), PART_MESSAGES_MAX, PART_BYTES_MAX))
    };
    match wish {
        Wish::Begin { start: Start::After(place), .. } if place.epoch == head.at.epoch => {
            after(place.offset)
        }
        Wish::Begin { start: Start::After(_), .. } => None,
        Wish::Begin { start: Start::Last(count), .. } => {
            after(Offset(end.0.saturating_sub(u64::from(*count))))
        }
        Wish::Begin { start: Start::Since(time), .. } => {
            Some((Span::Since(*time), PART_MESSAGES_MAX, PART_BYTES_MAX))
        }
        Wish::Begin { start: Start::Unsaid, .. } => after(delivered(wish, home)?),
        Wish::GoOn { after: place } if place.epoch == head.at.epoch => after(place.offset),
        // Answered before.
        Wish::GoOn { .. } | Wish::Locate { .. } => None,
        Wish::Read { epoch, .. } if epoch.is_some_and(|it| it != head.at.epoch) => None,
        Wish::Read { span, limit, .. } => Some((*span, usize::from(*limit), PAGE_BYTES_MAX)),
    }
}

/// Whether the disk read another life of the log than is known here, or has none.
fn is_another(home: &Home, page: &Page) -> bool {
    let unstored = home.log.as_ref().and_then(|it| it.pending.front()).map(|it| it.at.offset);
    let has_none = page.head.at.offset == Offset(0) && home.at.offset != Offset(0);
    page.head.at.epoch != home.at.epoch || has_none && unstored != Some(Offset(1))
}

/// What the disk read, as it is to be told: no further than what is confirmed, and as far.
fn completed(home: &Home, wish: &Wish, page: Page) -> Page {
    let LogHead { at: read, first } = page.head;
    if read.epoch != home.at.epoch {
        return page;
    }
    let head = LogHead { at: home.at, first };
    let mut messages = page.messages;
    messages.retain(|it| offset(it) <= home.at.offset);
    let (Some(log), Some((span, messages_max, bytes_max))) = (&home.log, wanted(wish, home, head))
    else {
        return Page { head, messages };
    };
    let end = if let Span::After(after) = span { after.max(read.offset) } else { read.offset };
    let messages = log.recent.complete(messages, end, span, messages_max, bytes_max as u64);
    Page { head, messages }
}

/// Up to where whoever begins has had everything; `None` where that is not kept.
fn delivered(wish: &Wish, home: &Home) -> Option<Offset> {
    let Wish::Begin { start: Start::Unsaid, reader: Some(reader), mailbox: true } = wish else {
        return None;
    };
    let log = home.log.as_ref()?;
    Some(log.cursors.get(reader).copied().unwrap_or_default().delivered)
}

/// What was read, and what it means to whoever asked.
fn answer(home: &Home, wish: &Wish, page: Page) -> Result<Fetched, Refusal> {
    let Page { head, mut messages } = page;
    let end = head.at.offset;
    let read_from = messages.first().map_or(end, |it| Offset(offset(it).0 - 1));
    // The log no longer has what comes next.
    let lost = |after: Offset| after < end && read_from != after;
    let nothing = |recovered| (end, recovered, Vec::new());
    let (from, recovered, messages) = match wish {
        Wish::Read { .. } if home.log.is_none() => return Err(Code::NoLog.into()),
        Wish::Read { .. } => (read_from, None, messages),
        Wish::GoOn { after } if after.epoch != head.at.epoch || lost(after.offset) => {
            return Err(Code::TooSlow.into());
        }
        Wish::GoOn { after } => (after.offset, None, messages),
        Wish::Locate { .. } => nothing(Some(false)),
        Wish::Begin { start: Start::After(place), .. } => {
            let is_known = place.epoch == head.at.epoch && place.offset <= end;
            match is_known && !(home.log.is_none() && place.offset < end) && !lost(place.offset) {
                true => (place.offset, Some(true), messages),
                false => nothing(Some(false)),
            }
        }
        Wish::Begin { start: Start::Unsaid, .. } => match delivered(wish, home) {
            None => nothing(None),
            Some(after) if end <= after => nothing(Some(true)),
            Some(after) => {
                // Some of it may have been acknowledged while the disk was asked.
                messages.retain(|it| after < offset(it));
                // Whoever has never been here has lost nothing.
                (read_from.max(after), Some(after.0 == 0 || read_from <= after), messages)
            }
        },
        Wish::Begin { start: Start::Last(_) | Start::Since(_), .. } => (read_from, None, messages),
    };
    let cursor = match wish {
        Wish::Begin { reader: Some(reader), .. } => {
            home.log.as_ref().map(|it| it.cursors.get(reader).copied().unwrap_or_default())
        }
        Wish::Begin { reader: None, .. }
        | Wish::GoOn { .. }
        | Wish::Locate { .. }
        | Wish::Read { .. } => None,
    };
    Ok(Fetched { head, from, recovered, cursor, messages })
}
