//! Where a member begins: is it what was promised to whoever begins so?

use std::{collections::BTreeMap, sync::Arc};

use proto::{ChannelName, Cursor, Offset, Placed, Stand, Start};

use crate::{
    model::Model,
    people::Floor,
    rules::{self, Kept},
};

/// Who listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ear<'a> {
    pub(super) user: &'a str,
    pub(super) device: Option<&'a Arc<str>>,
    pub(super) has: &'a BTreeMap<ChannelName, Placed>,
}

/// A subscription begins; `start` is what was asked for.
pub(super) fn begins(
    model: &Model,
    ear: Ear<'_>,
    channel: &ChannelName,
    (start, floor): (Start, Option<Floor>),
    stand: &Stand,
) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{channel} begins {stand:?} after {start:?}: {what}"));
    let reader = rules::reader(channel, ear.user, ear.device);
    if reader.is_some() != stand.cursor.is_some() {
        return wrong("a cursor too many or too few");
    }
    let floor = floor.filter(|it| it.0 == stand.at.epoch).map(|it| it.1);
    let floor = floor.unwrap_or_default();
    let has_come = |to| reader.as_ref().is_some_and(|it| model.has_come(channel, it, to));
    if let Some((cursor, _)) = stand.cursor {
        if floor.forward(cursor) != cursor {
            return wrong(&format!("its cursor was {floor:?}"));
        }
        if !has_come(cursor.delivered) {
            return wrong("nobody acknowledged that");
        }
    }
    match (start, stand.recovered) {
        (Start::After(place), Some(true)) if stand.at == place => Ok(()),
        (Start::After(_), Some(true)) => wrong("that is another place"),
        (Start::After(place), Some(false))
            if ear.has.get(channel).is_none_or(|it| *it != place && it.offset < place.offset) =>
        {
            Ok(())
        }
        (Start::After(place), Some(false)) => not_recovered(model, channel, place, stand),
        (Start::After(_), None) => wrong("is it recovered?"),
        (Start::Unsaid, recovered) if rules::is_mailbox(channel) => {
            mail_begins(model, channel, (floor, has_come(stand.at.offset)), stand, recovered)
        }
        (_, Some(_)) => wrong("nothing was to be recovered"),
        (Start::Since(time), None) => {
            let is_kept = rules::kept(channel) == Kept::Safely
                && model.first(channel) <= stand.at.offset
                && !model.was_erased(channel);
            match is_kept && model.fact(channel, stand.at).is_some_and(|it| time <= it.time) {
                true => wrong("what is there was said at that time or later"),
                false => Ok(()),
            }
        }
        (Start::Unsaid | Start::Last(_), None) => Ok(()),
    }
}

fn not_recovered(
    model: &Model,
    channel: &ChannelName,
    place: Placed,
    stand: &Stand,
) -> Result<(), String> {
    let wrong = |what| Err(format!("{channel} after {place:?} is lost at {stand:?}: {what}"));
    let Some(first) = stand.first else { return wrong("what is kept is not told") };
    let is_there = stand.at.epoch == place.epoch
        && first.0 <= place.offset.0 + 1
        && place.offset <= stand.at.offset;
    if is_there {
        return wrong("everything after it is there");
    }
    match model.may_be_lost(channel, place) {
        true => Ok(()),
        false => wrong("nothing was lost"),
    }
}

/// Mail begins behind what was acknowledged, wherever that was.
fn mail_begins(
    model: &Model,
    channel: &ChannelName,
    (floor, has_come): (Cursor, bool),
    stand: &Stand,
    recovered: Option<bool>,
) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("mail of {channel} begins {stand:?}: {what}"));
    let (at, delivered) = (stand.at, stand.cursor.map_or(Offset(0), |it| it.0.delivered));
    if at.offset < floor.delivered {
        return wrong("that was acknowledged");
    }
    match recovered {
        None => wrong("is it recovered?"),
        Some(true) if !has_come && delivered != Offset(0) => wrong("nobody acknowledged that"),
        // Whoever has never been here has lost nothing that was cut.
        Some(true) if delivered == Offset(0) && model.first(channel).0 <= at.offset.0 => {
            wrong("what is kept is passed over")
        }
        Some(true) => Ok(()),
        Some(false) if rules::kept(channel) == Kept::Safely => {
            let first = model.first(channel);
            match first.0 <= delivered.0 + 1 && !model.was_erased(channel) {
                true => wrong("nothing was cut"),
                false => Ok(()),
            }
        }
        Some(false) => Ok(()),
    }
}
