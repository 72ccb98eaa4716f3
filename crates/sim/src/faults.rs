//! What goes wrong, decided beforehand.

use std::time::Duration;

use crate::dice::Dice;

/// The bad luck of one run.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Shards that end over a bug, and when.
    pub(crate) failures: Vec<(Duration, u16)>,
    /// What an inbox holds.
    pub(crate) inbox_max: usize,
    /// The longest way between two shards, in milliseconds.
    pub(crate) bus_millis_max: u64,
    /// In the end the house is drained, instead of everybody leaving.
    pub(crate) is_drained: bool,
}

impl Faults {
    pub(crate) fn new(dice: &mut Dice, shards: u16, lasts: Duration) -> Self {
        let count = if dice.once_in(3) { 1 + dice.below(3) } else { 0 };
        let lasts = u64::try_from(lasts.as_millis()).expect("a run is short");
        let failure = |dice: &mut Dice| {
            let shard = dice.below(usize::from(shards));
            (dice.millis(0, lasts), u16::try_from(shard).expect("shards are few"))
        };
        Self {
            failures: (0..count).map(|_| failure(dice)).collect(),
            inbox_max: dice.pick(&[usize::MAX, usize::MAX, 5, 3]),
            bus_millis_max: dice.pick(&[1, 20, 200]),
            is_drained: dice.once_in(3),
        }
    }
}
