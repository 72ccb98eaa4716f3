//! What a connection is owed of logs: parts it has missed, and mail it has not acknowledged.

use std::time::Duration;

use proto::{Offset, Placed, Reader, RequestId};

use crate::deadlines::Tick;

/// How long after it was sent mail is sent again if it was not acknowledged, and twice as long each
/// time (R61).
pub(crate) const RESEND_FIRST: Duration = Duration::from_secs(10);

/// How often mail is sent again. After some five minutes of silence it has failed for this
/// connection (R90); it stays in the mailbox for the next.
pub(crate) const RESENDS_MAX: u8 = 5;

/// How long mail for a client that cannot acknowledge waits for a ping of ours to prove its way.
pub(crate) const PROVE_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Owed {
    pub(crate) replays: Vec<Replay>,
    pub(crate) mails: Vec<Mail>,
}

/// A channel in which the connection is behind, and gets the log until it has caught up.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    pub(crate) channel: u32,
    /// Tells its answers from those to an earlier one.
    pub(crate) attempt: u32,
    pub(crate) begins: Begins,
    /// The place its client had, if it said one.
    pub(crate) since: Option<Placed>,
    /// Everything up to here has been sent. `None` until the home has said where it begins.
    pub(crate) next: Option<Placed>,
    /// It waits for its outbox to be empty, and not for its home.
    pub(crate) is_sending: bool,
    /// It waits for others to have caught up.
    pub(crate) is_queued: bool,
}

/// Who is told where a replay begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Begins {
    /// Whoever subscribed.
    For(RequestId),
    /// Whoever resumed: an event without a number.
    Resumed,
    /// Nobody: a seat that was given, or mail that is sent again.
    Silently,
    /// Nobody any more: whoever recovers was told that nothing is missing.
    Recovered,
}

/// A mailbox the connection is in.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) channel: u32,
    pub(crate) reader: Reader,
    /// Everything up to here has been acknowledged.
    pub(crate) delivered: Offset,
    pub(crate) resends: u8,
    /// When it is sent again, or its way is proved. [`Tick::NEVER`] if nothing is open.
    pub(crate) due: Tick,
    /// Everything up to here has been written for it; and what has been sent last, and when. What
    /// is sent in a turn is written at its end.
    written: Offset,
    sent: (Tick, Offset),
    /// What the ping under way proves, for a client that cannot acknowledge.
    pub(crate) proving: Option<(u32, Offset)>,
}

impl Owed {
    /// `attempt` is a number that no earlier one of the connection had.
    pub(crate) fn begin(
        &mut self,
        attempt: u32,
        channel: u32,
        begins: Begins,
        (since, next): (Option<Placed>, Option<Placed>),
    ) {
        self.replays.retain(|it| it.channel != channel);
        let (is_sending, is_queued) = (false, false);
        let replay = Replay { channel, attempt, begins, since, next, is_sending, is_queued };
        self.replays.push(replay);
    }

    /// One that begins when those before it have caught up.
    pub(crate) fn queue(&mut self, channel: u32, since: Placed) {
        self.begin(0, channel, Begins::Recovered, (Some(since), None));
        self.replays.last_mut().expect("it was pushed above").is_queued = true;
    }

    /// The next of those, if none is under way.
    pub(crate) fn next_queued(&self) -> Option<(u32, Placed)> {
        let mut recovered = self.replays.iter().filter(|it| it.begins == Begins::Recovered);
        let queued = recovered.clone().find(|it| it.is_queued)?;
        let is_free = recovered.all(|it| it.is_queued);
        is_free.then_some((queued.channel, queued.since?))
    }

    /// How far whoever is behind in this channel has got.
    pub(crate) fn reached(&self, channel: u32) -> Option<Option<Placed>> {
        let replay = self.replays.iter().find(|it| it.channel == channel)?;
        Some(replay.next.or(replay.since))
    }

    pub(crate) fn replay(&mut self, channel: u32) -> Option<&mut Replay> {
        self.replays.iter_mut().find(|it| it.channel == channel)
    }

    pub(crate) fn mail(&mut self, channel: u32) -> Option<&mut Mail> {
        self.mails.iter_mut().find(|it| it.channel == channel)
    }

    /// The connection has left the channel.
    pub(crate) fn forget(&mut self, channel: u32) {
        self.replays.retain(|it| it.channel != channel);
        self.mails.retain(|it| it.channel != channel);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.replays.is_empty() && self.mails.is_empty()
    }

    pub(crate) fn due(&self) -> Tick {
        self.mails.iter().map(|it| it.due).min().unwrap_or(Tick::NEVER)
    }
}

impl Mail {
    pub(crate) const fn new(channel: u32, reader: Reader, delivered: Offset) -> Self {
        let (due, sent) = (Tick::NEVER, (Tick(0), delivered));
        let written = delivered;
        Self { channel, reader, delivered, resends: 0, due, written, sent, proving: None }
    }

    pub(crate) fn send(&mut self, now: Tick, end: Offset) {
        self.written = self.written(now);
        self.sent = (now, end);
    }

    /// Up to where everything goes before what is written now.
    pub(crate) fn written(&self, now: Tick) -> Offset {
        if self.sent.0 < now { self.sent.1 } else { self.written }
    }

    /// Until when it waits for an acknowledgement before it is sent again.
    pub(crate) fn resend_at(&self, now: Tick) -> Tick {
        now.after(RESEND_FIRST * (1 << self.resends.min(RESENDS_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proto::UserId;

    use super::*;

    #[test]
    fn what_is_sent_now_is_written_after_what_is_written_now() {
        let reader = Reader { user: UserId::parse("ann").unwrap(), device: None };
        let mut mail = Mail::new(0, reader, Offset(3));
        mail.send(Tick(5), Offset(4));
        mail.send(Tick(7), Offset(5));
        mail.send(Tick(7), Offset(6));
        assert_eq!(mail.written(Tick(7)), Offset(4));
        assert_eq!(mail.written(Tick(8)), Offset(6));
    }
}
