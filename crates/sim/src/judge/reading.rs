//! Parts of logs, as they are read.

use proto::{ChannelName, Epoch, Kind, Offset, Page, Placed, Span};

use crate::model::Model;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) span: Span,
    pub(super) epoch: Option<Epoch>,
    pub(super) limit: u16,
    /// Where the channel was known to be when it was asked for.
    pub(super) head: Option<Placed>,
}

pub(super) fn is_part(
    model: &Model,
    user: &str,
    channel: &ChannelName,
    wanted: &Wanted,
    page: &Page,
) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{wanted:?} of {channel} is {page:?}: {what}"));
    let (at, first) = (page.head.at, page.head.first);
    if wanted.head.is_some_and(|it| it.epoch == at.epoch && at.offset < it.offset) {
        return wrong("it was further before");
    }
    let mut offsets = Vec::new();
    for message in &page.messages {
        let Kind::Message(place) = message.kind else { return wrong("a signal is kept") };
        if place.epoch != at.epoch || place.offset < first {
            return wrong("that is not in this log");
        }
        if message.except.as_ref().is_some_and(|it| it.as_str() == user) {
            return wrong("they were excepted");
        }
        offsets.push(place.offset.0);
    }
    if wanted.epoch.is_some_and(|it| it != at.epoch) {
        return if offsets.is_empty() { Ok(()) } else { wrong("another life was asked for") };
    }
    if usize::from(wanted.limit) < offsets.len() {
        return wrong("that is too much");
    }
    let (from, to) = bounds(model, channel, wanted, page, &offsets);
    let mut before = from;
    for offset in offsets.iter().copied().chain([to]) {
        if offset <= before {
            return wrong("it is out of order");
        }
        if let Some(missed) = model.owed(channel, at.epoch, (before, offset), user) {
            return wrong(&format!("{missed} is missing"));
        }
        before = offset;
    }
    Ok(())
}

/// Between which offsets everything should be here.
fn bounds(
    model: &Model,
    channel: &ChannelName,
    wanted: &Wanted,
    page: &Page,
    offsets: &[u64],
) -> (u64, u64) {
    let (head, first) = (page.head.at.offset.0, page.head.first.0);
    let epoch = page.head.at.epoch;
    let everything = (1..=head).filter(|it| model.has_except(channel, epoch, *it)).count();
    // Those who are passed over count for the limit, and are not seen.
    let is_all = offsets.len() + everything < usize::from(wanted.limit);
    let (oldest, newest) = (offsets.first().copied(), offsets.last().copied());
    let start = |offset: u64| offset.max(first - 1);
    match wanted.span {
        Span::After(Offset(after)) if is_all => (start(after), start(after).max(head) + 1),
        Span::After(Offset(after)) => (start(after), newest.map_or(start(after) + 1, |it| it + 1)),
        // Fewer than wanted are told where the disk has more than is confirmed: `first` tells where
        // a log begins.
        Span::Before(Offset(before)) => {
            let end = before.min(head + 1).max(first);
            let none = if is_all { first - 1 } else { end - 1 };
            (oldest.map_or(none, |it| it - 1), end)
        }
        Span::Last => {
            let none = if is_all { first - 1 } else { head };
            (oldest.map_or(none, |it| it - 1), head + 1)
        }
        Span::Since(time) => {
            let is_late = |it: &u64| {
                let at = Placed { epoch, offset: Offset(*it) };
                model.fact(channel, at).is_none_or(|it| time <= it.time)
            };
            // Where nothing is known of a message, it may be earlier.
            let known = (first..=head).find(is_late).map_or(head, |it| it - 1);
            let from = oldest.map_or(known, |it| known.max(it - 1));
            (from, newest.map_or(from + 1, |it| it + 1))
        }
    }
}
