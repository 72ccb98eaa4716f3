//! People of the native dialect with a session, who know what they have and want the rest.

use std::{
    io,
    ops::Range,
    time::{Duration, Instant},
};

use serde_json::Value;
use token::Key;

use crate::{desk::Desk, floor::Floor, ledger::Ledger, options::Options, stage::sign};

/// Who have asked to come in and are not: fewer than any accept queue, so that nobody waits for a
/// retransmission, and far more than a server gets done in one turn.
const AT_ONCE: usize = 1000;

/// All of them, members of one channel.
pub(crate) struct Returning<'a> {
    pub(crate) options: &'a Options,
    pub(crate) floor: Floor,
    pub(crate) members: Vec<Member>,
    ledger: Ledger,
    /// The frames of what was published, as everyone has to hear them; the first has offset 1.
    pub(crate) frames: Vec<Vec<u8>>,
    epoch: String,
    /// Sessions that went on.
    pub(crate) resumed: usize,
    watch: Option<Watch>,
}

/// How many users each has been told are there, if they ask to be told.
struct Watch {
    users: Vec<Option<u64>>,
    frames: u64,
}

/// One of them.
pub(crate) struct Member {
    token: String,
    session: String,
    /// The last offset that they have.
    at: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Away,
    /// Has asked to be let in.
    Knocking,
    /// Has asked to be subscribed, or to have their subscriptions again.
    Asking,
    Here,
}

impl<'a> Returning<'a> {
    pub(crate) fn new(options: &'a Options) -> io::Result<Self> {
        let key = Key::hmac(&options.secret).map_err(io::Error::other)?;
        let member = |number: usize| {
            let token = sign(number as u64, &key)?;
            Ok(Member { token, session: String::new(), at: 0, stage: Stage::Away })
        };
        Ok(Self {
            options,
            floor: Floor::new(options.at, options.members)?,
            members: (0..options.members).map(member).collect::<io::Result<Vec<_>>>()?,
            ledger: Ledger::new(1),
            frames: Vec::new(),
            epoch: String::new(),
            resumed: 0,
            watch: None,
        })
    }

    /// From now on newcomers ask to be told who is there.
    pub(crate) fn watch(&mut self) {
        self.watch = Some(Watch { users: vec![None; self.options.members], frames: 0 });
    }

    /// How many frames told of others, and whether everyone knows of so many users.
    pub(crate) fn seen(&self, users: u64) -> (u64, bool) {
        let Some(watch) = &self.watch else { return (0, true) };
        (watch.frames, watch.users.iter().all(|it| *it == Some(users)))
    }

    /// Hears what is told of others for as long.
    pub(crate) fn settle(&mut self, lasting: Duration) -> io::Result<()> {
        let Self { floor, watch, .. } = self;
        floor.settle(lasting, |place, said| {
            let is_known = watch.as_mut().is_some_and(|it| it.hear(place, said));
            if is_known { Ok(None) } else { Err(unexpected(said)) }
        })
    }

    /// Lets those in, in shuffled order, until each of them has everything there is.
    pub(crate) fn come(&mut self, places: Range<usize>) -> io::Result<()> {
        let mut order: Vec<usize> = places.collect();
        self.floor.dice.shuffle(&mut order);
        let mut owing = order.len();
        for (knocked, place) in order.iter().enumerate() {
            while AT_ONCE <= owing + knocked - order.len() {
                owing -= self.listen()?;
            }
            let member = &mut self.members[*place];
            member.stage = Stage::Knocking;
            let session = match member.session.as_str() {
                "" => String::new(),
                session => format!("&session={session}"),
            };
            let target = format!("/ws/native?token={}{session}", member.token);
            self.floor.knock(*place, &target)?;
        }
        while 0 < owing {
            owing -= self.listen()?;
        }
        Ok(())
    }

    /// Waits until everyone has what was published.
    pub(crate) fn hear_all(&mut self) -> io::Result<()> {
        let head = self.frames.len() as u64;
        let mut owing = self.members.iter().filter(|it| it.at < head).count();
        while 0 < owing {
            owing -= self.listen()?;
        }
        Ok(())
    }

    /// One turn; answers how many have come to have everything in it.
    fn listen(&mut self) -> io::Result<usize> {
        let Self { options, floor, members, frames, epoch, resumed, watch, .. } = self;
        let head = frames.len() as u64;
        let mut done = 0;
        floor.listen(|place, said| {
            let member = &mut members[place];
            if watch.as_mut().is_some_and(|it| it.hear(place, said)) {
                return Ok(None);
            }
            match member.stage {
                Stage::Here => {
                    let frame = frames.get(usize::try_from(member.at).map_err(io::Error::other)?);
                    if frame.is_none_or(|it| it != said) {
                        return Err(unexpected(said));
                    }
                    member.at += 1;
                    done += usize::from(member.at == head);
                    Ok(None)
                }
                Stage::Knocking => {
                    let enters = Enters { room: &options.room, epoch, watches: watch.is_some() };
                    let (asks, is_resumed) = member.enter(said, &enters)?;
                    *resumed += usize::from(is_resumed);
                    Ok(Some(asks))
                }
                Stage::Asking => {
                    if member.seated(said, epoch, head)? {
                        done += usize::from(member.at == head);
                    }
                    Ok(None)
                }
                Stage::Away => Err(unexpected(said)),
            }
        })?;
        Ok(done)
    }

    /// Publishes while the members do not listen.
    pub(crate) fn publish(&mut self, count: usize) -> io::Result<()> {
        let mut desk = Desk::open(self.options)?;
        for _ in 0..count {
            let data = self.ledger.write(self.options.bytes, Instant::now());
            let data = String::from_utf8(data).map_err(io::Error::other)?;
            let (epoch, offset) = desk.publish(&data)?;
            if offset != self.frames.len() as u64 + 1 {
                return Err(io::Error::other(format!("offset {offset} was not the next")));
            }
            let frame = format!(
                "{{\"publication\":{{\"channel\":\"{}\",\"epoch\":\"{epoch}\",\
                 \"offset\":{offset},\"data\":{data}}}}}",
                self.options.room
            );
            self.frames.push(frame.into_bytes());
            self.epoch = epoch;
        }
        Ok(())
    }

    /// Everyone's sockets are lost at once.
    pub(crate) fn lose_all(&mut self) {
        self.floor.lose_all();
        self.members.iter_mut().for_each(|it| it.stage = Stage::Away);
    }
}

impl Watch {
    /// Whether this tells of others; then it is noted.
    fn hear(&mut self, place: usize, said: &[u8]) -> bool {
        let is_presence = said.starts_with(b"{\"presence\":");
        if is_presence {
            let told: Value = serde_json::from_slice(said).unwrap_or_default();
            self.users[place] = told["presence"]["users"].as_u64();
            self.frames += 1;
        }
        is_presence
    }
}

/// What newcomers ask for.
struct Enters<'a> {
    room: &'a str,
    /// Empty as long as nothing was said.
    epoch: &'a str,
    watches: bool,
}

impl Member {
    /// They were let in; answers what they ask for next, and whether their session goes on.
    fn enter(&mut self, said: &[u8], enters: &Enters<'_>) -> io::Result<(String, bool)> {
        let Enters { room, epoch, watches } = *enters;
        let told: Value = serde_json::from_slice(said).map_err(io::Error::other)?;
        let connected = &told["connected"];
        let session = connected["session"].as_str().ok_or_else(|| unexpected(said))?.to_owned();
        self.stage = Stage::Asking;
        let (old, at) = (std::mem::replace(&mut self.session, session), self.at);
        let asks = match (old.as_str(), watches) {
            ("", false) => format!("{{\"id\":1,\"subscribe\":{{\"channel\":\"{room}\"}}}}"),
            ("", true) => {
                format!("{{\"id\":1,\"subscribe\":{{\"channel\":\"{room}\",\"presence\":true}}}}")
            }
            (old, _) => format!(
                "{{\"id\":1,\"resume\":{{\"session\":\"{old}\",\
                 \"since\":{{\"{room}\":{{\"epoch\":\"{epoch}\",\"offset\":{at}}}}}}}}}"
            ),
        };
        Ok((asks, connected["resumed"] == true))
    }

    /// Answers whether they are members now.
    fn seated(&mut self, said: &[u8], epoch: &str, head: u64) -> io::Result<bool> {
        let told: Value = serde_json::from_slice(said).map_err(io::Error::other)?;
        if told["resumed"].is_object() {
            return Ok(false);
        }
        let subscribed = &told["subscribed"];
        let is_again = !epoch.is_empty();
        let is_well = match is_again {
            true => subscribed["recovered"] == true && subscribed["epoch"] == epoch,
            false => subscribed["offset"].as_u64() == Some(head),
        };
        if !is_well {
            return Err(unexpected(said));
        }
        self.stage = Stage::Here;
        Ok(true)
    }
}

pub(crate) fn unexpected(said: &[u8]) -> io::Error {
    let said = String::from_utf8_lossy(said.get(..200).unwrap_or(said));
    io::Error::other(format!("not what was to come: {said}"))
}
