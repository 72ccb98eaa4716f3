//! A room full of people who read, write and come.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cost::cpu,
    options::Options,
    returning::{Returning, unexpected},
    scenario::{each, tell},
};

/// Said before anyone has read it.
const SAID: usize = 5;

/// Who write at once, in the play in which people write.
const TYPISTS: usize = 10;

/// Everyone comes within two seconds of having sat down, if anybody tells them.
const TOLD_WITHIN: Duration = Duration::from_secs(4);

/// Every member reads everything and waits to be told that this is kept; then until everyone has
/// heard of everyone, where that is told.
pub(crate) fn receipts(options: &Options) -> io::Result<()> {
    let mut crowd = Returning::new(options)?;
    crowd.come(0..options.members)?;
    crowd.publish(SAID)?;
    crowd.hear_all()?;

    let before = cpu(options.pid)?;
    let began = Instant::now();
    let heard = read_all(&mut crowd)?;
    let took = began.elapsed().as_secs_f64();
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = format!("{} members of {}", options.members, options.room);
    tell("receipts", &what, options, each(spent, options.members as u64), "µs CPU/mark")?;
    tell("receipts: all is told", &what, options, took, "s")?;
    heard.tell("receipts", &what, options, spent)
}

/// Says `read` for everyone, and hears what comes of it.
fn read_all(crowd: &mut Returning<'_>) -> io::Result<Notices> {
    let (room, head) = (&crowd.options.room, crowd.frames.len() as u64);
    let read = format!("{{\"id\":1,\"read\":{{\"channel\":\"{room}\",\"offset\":{head}}}}}");
    let mut order: Vec<usize> = (0..crowd.options.members).collect();
    crowd.floor.dice.shuffle(&mut order);
    for place in order {
        crowd.floor.say(place, &read)?;
    }
    let mut marks = crowd.options.members;
    let mut notices = Notices::new(crowd.options.members);
    let mut users = BTreeSet::new();
    let told = if crowd.options.is_told { marks } else { 0 };
    while 0 < marks || users.len() < told || !notices.is_even() {
        crowd.floor.listen(|place, said| {
            if said.starts_with(b"{\"receipts\":") {
                let new = notices.hear(place, said)?;
                let new = new.as_ref().map(receipts_in).unwrap_or_default();
                users.extend(new.into_iter().filter(|it| it.1 == Some(head)).map(|it| it.0));
                return Ok(None);
            }
            let told: Value = serde_json::from_slice(said).map_err(io::Error::other)?;
            if told["marked"]["read"].as_u64() != Some(head) {
                return Err(unexpected(said));
            }
            marks -= 1;
            Ok(None)
        })?;
    }
    Ok(notices)
}

fn receipts_in(said: &Value) -> Vec<(String, Option<u64>)> {
    let all = said["receipts"]["receipts"].as_array().into_iter().flatten();
    all.map(|it| (it["user"].to_string(), it["read"].as_u64())).collect()
}

/// Some members write, and everyone sees them begin and stop.
pub(crate) fn typing(options: &Options) -> io::Result<()> {
    let mut crowd = Returning::new(options)?;
    crowd.come(0..options.members)?;
    let mut notices = Notices::new(options.members);
    let before = cpu(options.pid)?;
    for active in [true, false] {
        let room = &options.room;
        let typing = format!("{{\"typing\":{{\"channel\":\"{room}\",\"active\":{active}}}}}");
        let goal = notices.frames.len() + TYPISTS;
        for place in 0..TYPISTS {
            crowd.floor.say(place, &typing)?;
        }
        while notices.frames.len() < goal || !notices.is_even() {
            crowd.floor.listen(|place, said| {
                let is_typing = said.starts_with(b"{\"typing\":");
                if !is_typing {
                    return Err(unexpected(said));
                }
                notices.hear(place, said)?;
                Ok(None)
            })?;
        }
    }
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = format!("{} members of {}, {TYPISTS} write", options.members, options.room);
    notices.tell("typing", &what, options, spent)
}

/// Everyone comes into a room in which everyone is told who is here.
pub(crate) fn presence(options: &Options) -> io::Result<()> {
    let mut crowd = Returning::new(options)?;
    crowd.watch();
    let before = cpu(options.pid)?;
    let began = Instant::now();
    crowd.come(0..options.members)?;
    let came_in = began.elapsed().as_secs_f64();
    crowd.settle(TOLD_WITHIN)?;
    let spent = cpu(options.pid)?.saturating_sub(before);
    let (frames, is_right) = crowd.seen(options.members as u64);
    if !is_right {
        return Err(io::Error::other("somebody does not know how many are here"));
    }
    let what = format!("{} come into {}", options.members, options.room);
    let count = options.members as u64;
    tell("presence", &what, options, each(spent, count), "µs CPU/join")?;
    tell("presence: frames", &what, options, frames as f64 / count as f64, "/join")?;
    tell("presence: all are in", &what, options, came_in, "s")
}

/// What everyone hears alike: as the first of them does, in that order.
struct Notices {
    frames: Vec<Vec<u8>>,
    /// How many of them each member has heard.
    heard: Vec<usize>,
    owing: usize,
    bytes: usize,
}

impl Notices {
    fn new(members: usize) -> Self {
        Self { frames: Vec::new(), heard: vec![0; members], owing: 0, bytes: 0 }
    }

    /// Answers what it says if nobody has heard it before.
    fn hear(&mut self, place: usize, said: &[u8]) -> io::Result<Option<Value>> {
        let index = self.heard[place];
        self.heard[place] += 1;
        self.bytes += said.len();
        if index == self.frames.len() {
            self.frames.push(said.to_vec());
            self.owing += self.heard.len() - 1;
            return serde_json::from_slice(said).map(Some).map_err(io::Error::other);
        }
        self.owing -= 1;
        if self.frames[index] == said { Ok(None) } else { Err(unexpected(said)) }
    }

    /// Everyone has heard the same.
    const fn is_even(&self) -> bool {
        self.owing == 0
    }

    fn tell(
        &self,
        scenario: &str,
        what: &str,
        options: &Options,
        spent: Duration,
    ) -> io::Result<()> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let heard: usize = self.heard.iter().sum();
        let notices = self.frames.len() as f64;
        tell(&format!("{scenario}: notices to each"), what, options, notices, "frames")?;
        let bytes = self.bytes as f64 / heard as f64;
        tell(&format!("{scenario}: a notice"), what, options, bytes, "B")?;
        tell(
            &format!("{scenario}: each notice"),
            what,
            options,
            each(spent, heard as u64),
            "µs CPU/delivery",
        )
    }
}
