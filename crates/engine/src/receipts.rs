//! How far users have come, as a channel's members are told (R75).
//!
//! Marks come one by one; members are told every so often, each user's newest place once. So a
//! room of ten thousand who all read at once costs each member a notice of a hundred names per
//! tick, and a hundred ticks, instead of ten thousand notices.

use std::collections::{BTreeMap, VecDeque};

use proto::{Cursor, Notice, Reader, UserId};

use crate::{deadlines::Tick, noticed::NOTICE_EVERY};

#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// How far each user has come for good, the furthest of their devices. What members are told
    /// is only ever read from here, so it never goes back. As many as the log keeps cursors of.
    users: BTreeMap<UserId, Progress>,
    /// Of whom members have yet to be told, each once; whoever has waited longest is first.
    queue: VecDeque<UserId>,
    tells_at: Option<Tick>,
}

#[derive(Debug, Default)]
struct Progress {
    cursor: Cursor,
    is_queued: bool,
}

impl Receipts {
    /// What members know, or can: the log has been loaded with these.
    pub(crate) fn begin(&mut self, cursors: &BTreeMap<Reader, Cursor>) {
        for (reader, cursor) in cursors {
            let progress = self.users.entry(reader.user.clone()).or_default();
            progress.cursor = progress.cursor.forward(*cursor);
        }
    }

    /// A cursor of the user stands here for good.
    pub(crate) fn moved(&mut self, now: Tick, user: &UserId, cursor: Cursor) {
        let progress = self.users.entry(user.clone()).or_default();
        let further = progress.cursor.forward(cursor);
        if further == progress.cursor {
            return;
        }
        progress.cursor = further;
        if !progress.is_queued {
            progress.is_queued = true;
            self.queue.push_back(user.clone());
            self.tells_at.get_or_insert(now.after(NOTICE_EVERY));
        }
    }

    /// What is to be told now; at most [`Notice::NAMES_MAX`] users, the rest the next time.
    pub(crate) fn take(&mut self, now: Tick) -> Option<Notice> {
        self.tells_at.filter(|it| *it <= now)?;
        let count = self.queue.len().min(usize::from(Notice::NAMES_MAX));
        let mut told = Vec::with_capacity(count);
        for user in self.queue.drain(..count) {
            let Some(progress) = self.users.get_mut(&user) else { continue };
            progress.is_queued = false;
            told.push((user, progress.cursor));
        }
        self.tells_at = (!self.queue.is_empty()).then(|| now.after(NOTICE_EVERY));
        Some(Notice::Receipts(told))
    }

    pub(crate) fn due(&self) -> Tick {
        self.tells_at.unwrap_or(Tick::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proto::Offset;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn cursor(delivered: u64, read: u64) -> Cursor {
        Cursor { delivered: Offset(delivered), read: Offset(read) }
    }

    fn told(receipts: &mut Receipts, now: Tick) -> Vec<(String, Cursor)> {
        let Some(Notice::Receipts(told)) = receipts.take(now) else { return Vec::new() };
        told.into_iter().map(|it| (it.0.to_string(), it.1)).collect()
    }

    #[test]
    fn the_newest_place_of_each_is_told_once() {
        let mut receipts = Receipts::default();
        assert_eq!(receipts.due(), Tick::NEVER);
        receipts.moved(Tick(0), &user("bob"), cursor(1, 0));
        receipts.moved(Tick(0), &user("ann"), cursor(1, 1));
        receipts.moved(Tick(1), &user("bob"), cursor(3, 2));
        assert_eq!(receipts.due(), Tick(2));
        assert_eq!(told(&mut receipts, Tick(1)), []);
        let both = [("bob".to_owned(), cursor(3, 2)), ("ann".to_owned(), cursor(1, 1))];
        assert_eq!(told(&mut receipts, Tick(2)), both);
        assert_eq!(receipts.due(), Tick::NEVER);
    }

    #[test]
    fn nobody_goes_back_and_the_furthest_device_counts() {
        let mut receipts = Receipts::default();
        let device = |name: &str| Some(Arc::from(name));
        receipts.begin(&BTreeMap::from([
            (Reader { user: user("ann"), device: device("phone") }, cursor(9, 3)),
            (Reader { user: user("ann"), device: device("tablet") }, cursor(5, 5)),
        ]));
        for behind in [cursor(9, 5), cursor(4, 4), cursor(0, 0)] {
            receipts.moved(Tick(0), &user("ann"), behind);
            assert_eq!(receipts.due(), Tick::NEVER, "{behind:?}");
        }
        receipts.moved(Tick(0), &user("ann"), cursor(6, 6));
        assert_eq!(told(&mut receipts, Tick(2)), [("ann".to_owned(), cursor(9, 6))]);
    }

    /// Threat F9's worst room, in marks: each of them is told to everyone once, a hundred at a
    /// time, and whoever marks all the time keeps nobody waiting.
    #[test]
    fn ten_thousand_readers_are_a_hundred_notices() {
        let mut receipts = Receipts::default();
        for number in 0..10_000 {
            receipts.moved(Tick(0), &user(&format!("u{number}")), cursor(1, 1));
        }
        let (mut notices, mut names) = (0, 0);
        let mut now = Tick(0);
        while receipts.due() != Tick::NEVER {
            assert!(now < receipts.due());
            now = receipts.due();
            let told = told(&mut receipts, now);
            assert!(told.len() <= 100);
            names += told.iter().filter(|it| it.1 == cursor(1, 1)).count();
            notices += 1;
            if notices < 50 {
                receipts.moved(now, &user("u0"), cursor(2 + notices, 2));
            }
        }
        assert_eq!((notices, names), (101, 9_999 + 1));
        assert_eq!(now, Tick(202));
    }
}
