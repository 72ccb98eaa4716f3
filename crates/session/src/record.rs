//! What is remembered of one session.

use std::{net::IpAddr, sync::Arc, time::Instant};

use proto::{ChannelName, ConnId, Identity, Placed, SessionId, ShardId, UnixTime};

/// Where a connection sits.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Seat {
    pub shard: ShardId,
    pub conn: ConnId,
}

/// A channel that a session was in, and the last place that was given out in it then. What of
/// that was still on its way to the client nobody knows, so a client's own word goes before it.
pub type Left = (ChannelName, Option<Placed>);

/// Where a session is remembered. What has ended since is not found by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    pub(crate) slot: u32,
    pub(crate) life: u32,
}

/// One session. There is one for nearly every connection, so it has 88 bytes; texts are shared,
/// and what only few need is boxed.
#[derive(Debug)]
pub(crate) struct Record {
    /// In halves, because a whole would have to stand at a multiple of 16.
    pub(crate) id: [u64; 2],
    pub(crate) identity: Arc<Identity>,
    /// The how manieth it is. Tells which is older, which no clock that jumps can (L10).
    pub(crate) serial: u64,
    /// In seconds since 1970, until 2106.
    pub(crate) created_at: u32,
    pub(crate) state: State,
    pub(crate) address: IpAddr,
    /// Its route, agent and device.
    pub(crate) profile: u32,
    /// Links of the chains that find it.
    pub(crate) next: [u32; 2],
    /// What is kept of it is out of date, and somebody has been told.
    pub(crate) is_dirty: bool,
    /// Something has been kept of it.
    pub(crate) is_kept: bool,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Not a [`Seat`]: what pads one leaves no room to say which of these it is.
    Live {
        shard: ShardId,
        conn: ConnId,
    },
    /// Resumed without a good token: until then, unless one comes.
    Lent(Box<Lent>),
    Away(Box<Away>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    pub(crate) seat: Seat,
    pub(crate) ends_at: Instant,
    pub(crate) until: UnixTime,
}

#[derive(Debug)]
pub(crate) struct Away {
    pub(crate) since: UnixTime,
    /// On the clock that does not jump; `until` says the same to people and to the next process.
    pub(crate) ends_at: Instant,
    pub(crate) until: UnixTime,
    pub(crate) left: Vec<Left>,
}

impl State {
    pub(crate) const fn live(seat: Seat) -> Self {
        Self::Live { shard: seat.shard, conn: seat.conn }
    }
}

impl Record {
    pub(crate) const fn id(&self) -> SessionId {
        SessionId((self.id[0] as u128) << 64 | self.id[1] as u128)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half tells lives apart")]
    pub(crate) const fn life(&self) -> u32 {
        self.serial as u32
    }

    pub(crate) fn seat(&self) -> Option<Seat> {
        match &self.state {
            State::Live { shard, conn } => Some(Seat { shard: *shard, conn: *conn }),
            State::Lent(lent) => Some(lent.seat),
            State::Away(_) => None,
        }
    }

    pub(crate) fn away(&self) -> Option<&Away> {
        match &self.state {
            State::Away(away) => Some(away),
            State::Live { .. } | State::Lent(_) => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each half is one")]
pub(crate) const fn halves(id: SessionId) -> [u64; 2] {
    [(id.0 >> 64) as u64, id.0 as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With its links and its share of the buckets a session costs a little over 100 bytes.
    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Record>() <= 88, "{}", size_of::<Record>());
        assert_eq!(size_of::<Option<Record>>(), size_of::<Record>());
        assert!(size_of::<Option<Place>>() <= 12);
    }

    #[test]
    fn an_id_has_two_halves() {
        let id = SessionId(0x0123_4567_89ab_cdef_0000_0000_0000_0001);
        assert_eq!(halves(id), [0x0123_4567_89ab_cdef, 1]);
    }
}
