//! What goes wrong, decided beforehand.

use std::time::Duration;

use crate::dice::Dice;

/// The bad luck of one run.
#[derive(Debug)]
pub(crate) struct Faults {
    /// What an inbox holds.
    pub(crate) inbox_max: usize,
    /// The longest way between two shards, in milliseconds.
    pub(crate) bus_millis_max: u64,
    /// The longest the disk takes for a few things, in milliseconds, and what waits for it at most.
    pub(crate) disk_millis_max: u64,
    pub(crate) disk_asked_max: usize,
    /// Parts of logs are read beside what is written.
    pub(crate) reads_overtake: bool,
    /// How long a day is, and whether there is another after a night in which nobody is here.
    pub(crate) lasts: Duration,
    pub(crate) has_night: bool,
    /// In the end the house is drained, instead of everybody leaving.
    pub(crate) is_drained: bool,
}

/// Something bad that happens once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// A shard ends over a bug.
    ShardFails { shard: u16 },
    /// The process ends.
    Restart,
    /// The disk refuses for so long, and may have done what it refused.
    DiskRefuses { lies: bool, lasts: Duration },
    /// The oldest messages of a log go.
    Cut,
    /// The clock is set.
    Jump { forward: bool, by: Duration },
    /// A log is erased.
    Erase,
}

impl Faults {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            inbox_max: dice.pick(&[usize::MAX, usize::MAX, usize::MAX, 5, 3]),
            bus_millis_max: dice.pick(&[1, 20, 200]),
            disk_millis_max: dice.pick(&[2, 30, 400]),
            disk_asked_max: dice.pick(&[usize::MAX, usize::MAX, 6]),
            reads_overtake: dice.once_in(2),
            lasts: Duration::from_secs(dice.pick(&[12, 15, 25])),
            has_night: dice.once_in(4),
            is_drained: dice.once_in(3),
        }
    }

    /// What happens on one day, and how long after it has begun.
    pub(crate) fn of_a_day(&self, dice: &mut Dice, shards: u16) -> Vec<(Duration, Fault)> {
        let lasts = u64::try_from(self.lasts.as_millis()).expect("a day is short");
        let mut faults = Vec::new();
        let mut some = |dice: &mut Dice, once_in: usize, fault: fn(&mut Dice, u16) -> Fault| {
            let count = if dice.once_in(once_in) { 1 + dice.below(3) } else { 0 };
            for _ in 0..count {
                faults.push((dice.millis(0, lasts), fault(dice, shards)));
            }
        };
        // A store that is too busy forgets what it turned away. Where it was a message that members
        // have, and then its home fails, nobody is left who knows that the place was given out, and
        // it is given out again: the store would have to be told to begin another epoch.
        let is_forgetful = self.disk_asked_max != usize::MAX;
        some(dice, if is_forgetful { usize::MAX } else { 3 }, |dice, shards| {
            let shard = dice.below(usize::from(shards));
            Fault::ShardFails { shard: u16::try_from(shard).expect("shards are few") }
        });
        some(dice, 4, |_, _| Fault::Restart);
        some(dice, 2, |dice, _| Fault::DiskRefuses {
            lies: dice.once_in(2),
            lasts: dice.millis(50, 3000),
        });
        some(dice, 2, |_, _| Fault::Cut);
        some(dice, 2, |dice, _| Fault::Jump {
            forward: dice.once_in(2),
            by: dice.millis(0, 3_600_000),
        });
        some(dice, 5, |_, _| Fault::Erase);
        faults
    }
}
