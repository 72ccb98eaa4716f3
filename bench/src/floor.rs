//! Where people stand who speak: native connections on one poll, which come, lose their sockets,
//! and come back.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll};

use crate::{crowd::Person, dice::Dice};

/// Longest silence of the server before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// One poll and who is on it, by place.
pub(crate) struct Floor {
    at: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    people: Vec<Option<Person>>,
    pub(crate) dice: Dice,
}

impl Floor {
    pub(crate) fn new(at: SocketAddr, places: usize) -> io::Result<Self> {
        Ok(Self {
            at,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            people: (0..places).map(|_| None).collect(),
            dice: Dice::new(0x7469_6465_6761_7465),
        })
    }

    /// Connects and asks for the upgrade.
    pub(crate) fn knock(&mut self, place: usize, target: &str) -> io::Result<()> {
        let mut person = Person::connect(self.at, place)?;
        person.register(self.poll.registry(), place)?;
        person.knock(self.at, target, &mut self.dice)?;
        self.people[place] = Some(person);
        Ok(())
    }

    pub(crate) fn say(&mut self, place: usize, text: &str) -> io::Result<()> {
        let person = self.people[place].as_mut();
        let person = person.ok_or_else(|| io::Error::other("nobody is there to speak"))?;
        person.say(text.as_bytes(), &mut self.dice)
    }

    /// Everyone's socket is gone at once, with whatever was in it.
    pub(crate) fn lose_all(&mut self) {
        self.people.iter_mut().for_each(|it| *it = None);
    }

    /// One turn. `hear` is shown each message with its place, and may have an answer.
    pub(crate) fn turn(
        &mut self,
        patience: Duration,
        mut hear: impl FnMut(usize, &[u8]) -> io::Result<Option<String>>,
    ) -> io::Result<bool> {
        self.poll.poll(&mut self.events, Some(patience))?;
        for event in &self.events {
            let place = event.token().0;
            let Some(person) = &mut self.people[place] else { continue };
            let mut answers = Vec::new();
            person.read(&mut self.buffer, |said| {
                answers.extend(hear(place, said)?);
                Ok(())
            })?;
            for answer in answers {
                person.say(answer.as_bytes(), &mut self.dice)?;
            }
        }
        Ok(!self.events.is_empty())
    }

    /// One turn that has to bring something.
    pub(crate) fn listen(
        &mut self,
        hear: impl FnMut(usize, &[u8]) -> io::Result<Option<String>>,
    ) -> io::Result<()> {
        if self.turn(PATIENCE, hear)? {
            return Ok(());
        }
        Err(io::Error::other("silence: something that is owed has not come"))
    }

    /// Reads and answers pings for as long.
    pub(crate) fn settle(
        &mut self,
        lasting: Duration,
        mut hear: impl FnMut(usize, &[u8]) -> io::Result<Option<String>>,
    ) -> io::Result<()> {
        let end = Instant::now() + lasting;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.turn(left, &mut hear)?;
        }
        Ok(())
    }
}
