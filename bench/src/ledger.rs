//! What was published, and who still has to get it.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    time::{Duration, Instant},
};

/// Published, and in whichever place the server gives it.
#[derive(Debug)]
struct Sent {
    payload: Vec<u8>,
    /// When it was to be published, which may be before it could be.
    due: Instant,
    /// Members who have not got it.
    left: usize,
}

/// One channel's publications. The server chooses their order; the first member who sees a place
/// taken tells which one took it, and everyone else has to see the same.
#[derive(Debug)]
pub(crate) struct Ledger {
    members: usize,
    next: u64,
    unplaced: BTreeMap<u64, Sent>,
    placed: VecDeque<Sent>,
    /// How many places lie before those in `placed`.
    settled: u64,
    pub(crate) deliveries: u64,
    /// From due to delivered to the last member.
    pub(crate) latencies: Vec<Duration>,
}

/// Numbers begin here, so that all have as many digits.
const FIRST: u64 = 1_000_000_000;

const OPENING: &[u8] = b"{\"n\":";

impl Ledger {
    pub(crate) const fn new(members: usize) -> Self {
        Self {
            members,
            next: FIRST,
            unplaced: BTreeMap::new(),
            placed: VecDeque::new(),
            settled: 0,
            deliveries: 0,
            latencies: Vec::new(),
        }
    }

    /// JSON of this many bytes that is like no other.
    pub(crate) fn write(&mut self, bytes: usize, due: Instant) -> Vec<u8> {
        let number = self.next;
        self.next += 1;
        let mut text = format!("{{\"n\":{number},\"pad\":\"");
        let filler = bytes.saturating_sub(text.len() + 2);
        text.extend((0..filler).map(|it| char::from(b'a' + ((it as u64 + number) % 26) as u8)));
        text.push_str("\"}");
        let payload = text.into_bytes();
        let sent = Sent { payload: payload.clone(), due, left: self.members };
        self.unplaced.insert(number, sent);
        payload
    }

    /// A member got this as its delivery number `place`, from zero.
    pub(crate) fn deliver(&mut self, place: u64, payload: &[u8], now: Instant) -> io::Result<()> {
        let index = usize::try_from(place.wrapping_sub(self.settled)).unwrap_or(usize::MAX);
        if index == self.placed.len() {
            let number = numbered(payload);
            let sent = number.and_then(|it| self.unplaced.remove(&it));
            let sent = sent.ok_or_else(|| wrong("nobody published this, or not again", payload))?;
            self.placed.push_back(sent);
        }
        let Some(sent) = self.placed.get_mut(index) else {
            return Err(wrong("everyone has had this", payload));
        };
        if sent.payload != payload {
            return Err(wrong("not what others got in its place", payload));
        }
        sent.left -= 1;
        self.deliveries += 1;
        if sent.left == 0 {
            self.latencies.push(now.saturating_duration_since(sent.due));
        }
        while self.placed.front().is_some_and(|it| it.left == 0) {
            self.placed.pop_front();
            self.settled += 1;
        }
        Ok(())
    }

    /// Publications that are not with every member yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.unplaced.len() + self.placed.len()
    }

    /// Forgets what was counted, as after a warm-up.
    pub(crate) fn begin(&mut self) {
        self.deliveries = 0;
        self.latencies.clear();
    }
}

fn numbered(payload: &[u8]) -> Option<u64> {
    let digits = payload.strip_prefix(OPENING)?.get(..10)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn wrong(what: &str, payload: &[u8]) -> io::Error {
    let shown = String::from_utf8_lossy(payload.get(..40).unwrap_or(payload));
    io::Error::other(format!("a delivery is wrong: {what}: {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_doubled_swapped_or_changed_is_noticed() {
        let now = Instant::now();
        let mut ledger = Ledger::new(2);
        let texts: Vec<Vec<u8>> = (0..3).map(|_| ledger.write(64, now)).collect();
        assert!(texts.iter().all(|it| it.len() == 64));
        ledger.deliver(0, &texts[1], now).unwrap();
        ledger.deliver(1, &texts[0], now).unwrap();
        assert!(ledger.deliver(0, &texts[0], now).is_err(), "another order than the first saw");
        assert!(ledger.deliver(2, &texts[1], now).is_err(), "twice");
        assert!(ledger.deliver(2, b"{\"n\":1000000002,\"pad\":\"", now).is_err(), "cut off");
        ledger.deliver(0, &texts[1], now).unwrap();
        assert_eq!((ledger.in_flight(), ledger.latencies.len()), (2, 1));
    }
}
