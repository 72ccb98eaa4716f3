//! Those who are published to: they come in as their dialect does, hear, and answer when asked.

use std::{io, net::SocketAddr};

use mio::Registry;

use crate::{
    crowd::Person,
    dice::Dice,
    speech::{Heard, Invitation, Speech},
};

/// One of them.
#[derive(Debug)]
pub(crate) struct Listener {
    person: Person,
    speech: Speech,
    introduction: String,
    was_welcomed: bool,
    /// Deliveries so far.
    got: u64,
    /// Hears what is published; the others are only there.
    is_member: bool,
}

impl Listener {
    /// Connects, without a word.
    pub(crate) fn connect(
        at: SocketAddr,
        number: usize,
        invitation: &Invitation,
        is_member: bool,
    ) -> io::Result<Self> {
        Ok(Self {
            person: Person::connect(at, number)?,
            speech: invitation.speech,
            introduction: invitation.introduction.clone(),
            was_welcomed: false,
            got: 0,
            is_member,
        })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: usize) -> io::Result<()> {
        self.person.register(registry, token)
    }

    /// Asks for the upgrade.
    pub(crate) fn knock(
        &mut self,
        at: SocketAddr,
        invitation: &Invitation,
        dice: &mut Dice,
    ) -> io::Result<()> {
        self.person.knock(at, &invitation.target, dice)
    }

    /// Whatever is published from now on is owed to them.
    pub(crate) fn is_in(&self) -> bool {
        match self.speech {
            Speech::Plain => self.person.is_open(),
            Speech::Native | Speech::SocketIo => self.was_welcomed,
        }
    }

    /// Reads what is there, shows each publication with its place to `hear`, and answers the rest.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        dice: &mut Dice,
        mut hear: impl FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut answers: Vec<&str> = Vec::new();
        self.person.read(buffer, |said| {
            match self.speech.hear(said)? {
                Heard::Open => answers.push(&self.introduction),
                Heard::Ping(pong) => answers.push(pong),
                Heard::Welcome => self.was_welcomed = true,
                Heard::Publication(_) if !self.is_member => {
                    return Err(io::Error::other("a bystander was sent something"));
                }
                Heard::Publication(payload) => {
                    hear(self.got, payload)?;
                    self.got += 1;
                }
            }
            Ok(())
        })?;
        answers.into_iter().try_for_each(|it| self.person.say(it.as_bytes(), dice))
    }
}
