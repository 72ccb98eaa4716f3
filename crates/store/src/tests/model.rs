//! A thousand things happen by chance to a store and to a model of it, which is a few maps; now and
//! then both are compared, and the store is closed and verified.

use std::collections::BTreeMap;

use proto::{Cursor, Epoch, Offset};

use super::fixtures::{Dir, House, append, move_cursor, name, offset, patient};
use crate::{Answer, Fault, Job, Options, Retention, verify};

const CHANNELS: [&str; 5] = ["a", "b", "c:x", "c:y", "d"];
const USERS: [&str; 3] = ["ann", "bob", "cleo"];
const KEPT: u64 = 20;

#[derive(Default)]
struct Model {
    /// Epoch and head of each log.
    logs: BTreeMap<&'static str, (u64, u64)>,
    cursors: BTreeMap<(&'static str, &'static str), (u64, u64)>,
    epoch_last: u64,
    row_last: u64,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

impl Model {
    /// What happens next, and what the store should say to it.
    fn next(&mut self, chance: &mut Chance) -> (Job, Result<Answer, Fault>) {
        let channel = chance.of(&CHANNELS);
        let known = self.logs.get(channel).copied();
        match (chance.below(100), known) {
            (0..2, _) => {
                self.logs.remove(channel);
                self.cursors.retain(|it, _| it.0 != channel);
                (Job::Erase { channel: name(channel) }, Ok(Answer::Done))
            }
            (2..20, _) => self.move_cursor(channel, chance),
            (20..30, Some((epoch, head))) => {
                let wrong = chance.of(&[(epoch, head), (epoch, head + 2), (epoch + 1, head + 1)]);
                (append(channel, wrong.0, wrong.1, "{}"), Err(Fault::OutOfOrder))
            }
            (_, known) => {
                let (epoch, head) = known.unwrap_or_else(|| {
                    self.epoch_last += 1;
                    (self.epoch_last, 0)
                });
                self.logs.insert(channel, (epoch, head + 1));
                let job = match chance.below(4) {
                    0 => patient(channel, epoch, head + 1),
                    _ => append(channel, epoch, head + 1, &format!("{epoch}/{}", head + 1)),
                };
                self.row_last += 1;
                (job, Ok(Answer::Appended { row: self.row_last }))
            }
        }
    }

    fn move_cursor(
        &mut self,
        channel: &'static str,
        chance: &mut Chance,
    ) -> (Job, Result<Answer, Fault>) {
        let user = chance.of(&USERS);
        let (delivered, read) = (chance.below(60), chance.below(60));
        let job = move_cursor(channel, user, delivered, read);
        let Some((_, head)) = self.logs.get(channel) else { return (job, Err(Fault::OutOfOrder)) };
        let cursor = self.cursors.entry((channel, user)).or_default();
        let read = cursor.1.max(read.min(*head));
        *cursor = (cursor.0.max(delivered.min(*head)).max(read), read);
        (job, Ok(Answer::Done))
    }

    fn compare(&self, house: &House) {
        for channel in CHANNELS {
            let loaded = house.load(channel);
            let Some((epoch, head)) = self.logs.get(channel) else {
                assert_eq!(loaded, None, "{channel}");
                continue;
            };
            let loaded = loaded.unwrap();
            assert_eq!(loaded.head.at.epoch, Epoch(*epoch), "{channel}");
            assert_eq!(loaded.head.at.offset, Offset(*head), "{channel}");
            let cursors = self.cursors.iter().filter(|it| it.0.0 == channel);
            let cursors: Vec<_> = cursors
                .map(|(place, it)| {
                    (place.1, Cursor { delivered: Offset(it.0), read: Offset(it.1) })
                })
                .collect();
            let found: Vec<_> =
                loaded.cursors.iter().map(|it| (it.0.user.as_str(), it.1)).collect();
            assert_eq!(found, cursors, "{channel}");
            let page = house.page(channel).unwrap();
            let offsets: Vec<u64> = page.messages.iter().map(|it| offset(it)).collect();
            let first = (head + 1).saturating_sub(KEPT).max(1);
            assert_eq!(offsets, (first..=*head).collect::<Vec<_>>(), "{channel}");
            for message in page.messages.iter().filter(|it| !it.payload.starts_with('{')) {
                assert_eq!(*message.payload, *format!("{epoch}/{}", offset(message)));
            }
        }
    }
}

#[test]
fn the_store_and_its_model_agree() {
    for seed in 1..=6 {
        let retention = Retention { messages: Some(KEPT), ..Retention::default() };
        let options = Options {
            default_retention: retention,
            interval: std::time::Duration::from_millis(1),
            wal_bytes_max: 64 << 10,
            ..Options::default()
        };
        let dir = Dir::in_memory();
        let mut model = Model::default();
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ seed << 32);
        for _ in 0..8 {
            let house = House::with(&dir, options.clone());
            model.compare(&house);
            for _ in 0..12 {
                let count = chance.below(40) + 1;
                let (jobs, expected): (Vec<_>, Vec<_>) =
                    (0..count).map(|_| model.next(&mut chance)).unzip();
                assert_eq!(house.all(jobs), expected, "seed {seed}");
            }
            model.compare(&house);
            drop(house);
            let report = verify(&dir.0).unwrap();
            assert!(report.is_well(), "seed {seed}: {report}");
        }
        assert_eq!(dir.damaged_files(), 0, "seed {seed}");
    }
}
