//! What clients are told: `{"type":…, "payload":…}`, in the words of the existing client.
//!
//! Its handlers run only for frames that have a `payload`, and several read one frame in different
//! forms. So payloads are supersets: each reader finds what it looks for, and ignores the rest.

use std::sync::Arc;

use proto::{ComeBack, Refusal};
use serde::Serialize;

use crate::{
    changes::Change,
    check_in::{CheckIn, Direction},
    member::Member,
    moment::Moment,
    not_done::NotDone,
    stats::Stats,
};

/// The first frame of every connection (R14, R80).
pub(crate) fn initial_stats(stats: &Stats) -> Arc<str> {
    frame("initial_stats", stats)
}

/// The stats after a change, under the name the client reads and the one its documents gave.
pub(crate) fn changed_stats(stats: &Stats) -> [Arc<str>; 2] {
    ["check_in_stats", "stats_update"].map(|kind| frame(kind, stats))
}

/// To whoever asked, before anyone else hears of it.
pub(crate) fn success(direction: Direction, check_in: &CheckIn) -> Arc<str> {
    let kind = match direction {
        Direction::In => "check_in_success",
        Direction::Out => "check_out_success",
    };
    frame(kind, check_in)
}

/// To everyone (R78).
pub(crate) fn announcement(direction: Direction, check_in: &CheckIn) -> Arc<str> {
    let kind = match direction {
        Direction::In => "member_checked_in",
        Direction::Out => "member_checked_out",
    };
    frame(kind, check_in)
}

/// To everyone, for activity feeds (R79).
pub(crate) fn activity(direction: Direction, check_in: &CheckIn) -> Arc<str> {
    let CheckIn { member, location, check_in_time, check_out_time, .. } = check_in;
    frame(
        "activity_notification",
        Activity {
            kind: "member_activity",
            activity: direction.as_str(),
            member,
            timestamp: check_out_time.unwrap_or(*check_in_time),
            location,
            duration_minutes: check_out_time.map(|it| it.minutes_since(*check_in_time)),
        },
    )
}

/// To everyone: one frame that four screens read in three forms.
pub(crate) fn update(direction: Direction, check_in: &CheckIn, stats: &Stats) -> Arc<str> {
    let event = Event::of(check_in);
    let kind = direction.as_str();
    frame("check_in_update", Update { event: &event, kind, check_in: &event, stats })
}

/// To whoever returns: all that everyone was told meanwhile, in its order; its update only where
/// they will not hear it with the others.
///
/// Of more than [`AGAIN_BYTES_MAX`] the newest.
pub(crate) fn told_again(
    missed: &[Change],
    stats: &Stats,
    has_updated: impl Fn(i64) -> bool,
) -> Vec<Arc<str>> {
    let mut left = AGAIN_BYTES_MAX;
    let mut frames = Vec::new();
    for Change { seq, direction, check_in } in missed.iter().rev() {
        let updated = has_updated(*seq).then(|| update(*direction, check_in, stats));
        let both = updated.into_iter().chain([announcement(*direction, check_in)]);
        for frame in both {
            let Some(rest) = left.checked_sub(frame.len()) else {
                frames.reverse();
                return frames;
            };
            left = rest;
            frames.push(frame);
        }
    }
    frames.reverse();
    frames
}

/// Half of what may wait for a slow reader, so that nobody is parted with for having been away. A
/// hundred changes with the longest notes are more, with usual ones a fifth of it.
const AGAIN_BYTES_MAX: usize = 512 * 1024;

/// To whoever asked.
pub(crate) fn not_done(direction: Direction, why: &NotDone) -> Arc<str> {
    let kind = match direction {
        Direction::In => "check_in_error",
        Direction::Out => "check_out_error",
    };
    frame(kind, fault(why))
}

/// The reason under each of the names by which clients look for it.
pub(crate) fn fault(why: &NotDone) -> impl Serialize + use<> {
    let message = why.to_string();
    Fault { error: message.clone(), code: why.code(), detail: message.clone(), message }
}

/// A check-in in a list, where an absent `check_out_time` is null.
pub(crate) fn listed(check_in: &CheckIn) -> impl Serialize + '_ {
    Event::of(check_in)
}

/// An error about no check-in in particular: flat as the client's documents have it, and once more
/// as the `payload` without which its handlers never run (C7).
pub(crate) fn error(refusal: &Refusal) -> Arc<str> {
    let retry = matches!(refusal.code.come_back(), ComeBack::Later | ComeBack::Now);
    text(&Error { kind: "error", flat: refusal.body(), retry, payload: refusal.body() })
}

pub(crate) fn heartbeat_ack(now: Moment) -> Arc<str> {
    text(&Beat { kind: "heartbeat_ack", timestamp: now })
}

pub(crate) fn pong(now: Moment) -> Arc<str> {
    text(&Beat { kind: "pong", timestamp: now })
}

fn frame(kind: &'static str, payload: impl Serialize) -> Arc<str> {
    text(&Frame { kind, payload })
}

fn text(told: &impl Serialize) -> Arc<str> {
    serde_json::to_string(told).expect("text and numbers always serialise").into()
}

#[derive(Serialize)]
struct Frame<P> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: P,
}

#[derive(Serialize)]
struct Activity<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    activity: &'static str,
    member: &'a Member,
    timestamp: Moment,
    location: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_minutes: Option<i64>,
}

/// A check-in as lists show it: always with a `check_out_time`, if only null.
#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    member: &'a Member,
    location: &'a str,
    check_in_time: Moment,
    check_out_time: Option<Moment>,
    notes: &'a str,
    status: &'static str,
}

impl<'a> Event<'a> {
    fn of(check_in: &'a CheckIn) -> Self {
        let CheckIn { id, member, location, check_in_time, check_out_time, notes } = check_in;
        Self {
            id,
            member,
            location,
            check_in_time: *check_in_time,
            check_out_time: *check_out_time,
            notes,
            status: check_in.status(),
        }
    }
}

#[derive(Serialize)]
struct Update<'a> {
    #[serde(flatten)]
    event: &'a Event<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "checkIn")]
    check_in: &'a Event<'a>,
    #[serde(flatten)]
    stats: &'a Stats,
}

#[derive(Serialize)]
struct Fault {
    error: String,
    code: &'static str,
    message: String,
    detail: String,
}

#[derive(Serialize)]
struct Error<F: Serialize, P: Serialize> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    flat: F,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retry: bool,
    payload: P,
}

#[derive(Serialize)]
struct Beat {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Moment,
}
