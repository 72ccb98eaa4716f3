//! What should be true of channels: one order each, and every place in it filled once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proto::{ChannelName, Epoch, Placed, UserId};

/// Everything that was ever given a place, as far as it could be seen.
#[derive(Debug, Default)]
pub(crate) struct Model {
    places: BTreeMap<(ChannelName, Epoch), BTreeMap<u64, Fact>>,
    /// Payloads that were published without anyone to be told of it, by channel. Where nobody
    /// followed, their places cannot be seen.
    silent: BTreeMap<ChannelName, usize>,
    /// Places whoever published was told of.
    told: BTreeSet<(ChannelName, Epoch, u64)>,
    said: BTreeSet<Arc<str>>,
    serial: u64,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fact {
    pub(crate) payload: Arc<str>,
    pub(crate) except: Option<UserId>,
}

impl Model {
    /// A payload unlike any other.
    pub(crate) fn payload(&mut self) -> Arc<str> {
        self.serial += 1;
        let payload: Arc<str> = format!("\"m{}\"", self.serial).into();
        self.said.insert(Arc::clone(&payload));
        payload
    }

    pub(crate) fn silently(&mut self, channel: &ChannelName) {
        *self.silent.entry(channel.clone()).or_default() += 1;
    }

    /// Whoever published has been told this place.
    pub(crate) fn told(&mut self, channel: &ChannelName, at: Placed) {
        self.told.insert((channel.clone(), at.epoch, at.offset.0));
    }

    /// A message has this place.
    pub(crate) fn placed(
        &mut self,
        channel: &ChannelName,
        at: Placed,
        fact: Fact,
    ) -> Result<(), String> {
        if !self.said.contains(&fact.payload) {
            return Err(format!("{} in {channel} was said by nobody", fact.payload));
        }
        let order = self.places.entry((channel.clone(), at.epoch)).or_default();
        match order.get(&at.offset.0) {
            Some(before) if *before != fact => {
                Err(format!("{channel} {}: {before:?} and {fact:?} in one place", at.offset.0))
            }
            Some(_) => Ok(()),
            None => {
                order.insert(at.offset.0, fact);
                Ok(())
            }
        }
    }

    /// The first place between two offsets that the user should have been given.
    pub(crate) fn owed(
        &self,
        channel: &ChannelName,
        epoch: Epoch,
        between: (u64, u64),
        user: &str,
    ) -> Option<u64> {
        let order = self.places.get(&(channel.clone(), epoch));
        let is_excepted = |offset: &u64| {
            let fact = order.and_then(|it| it.get(offset));
            let except = fact.and_then(|it| it.except.as_ref());
            except.is_some_and(|it| it.as_str() == user)
        };
        (between.0 + 1..between.1).find(|it| !is_excepted(it))
    }

    /// No payload twice, and no place left out but those that could not be seen.
    pub(crate) fn is_consistent(&self) -> Result<(), String> {
        let mut unseen: BTreeMap<&ChannelName, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for ((channel, epoch), order) in &self.places {
            let last = order.last_key_value().map_or(0, |it| *it.0);
            let is_known = |it: &u64| {
                order.contains_key(it) || self.told.contains(&(channel.clone(), *epoch, *it))
            };
            let missing = (1..=last).filter(|it| !is_known(it)).count();
            *unseen.entry(channel).or_default() += missing;
            for fact in order.values() {
                if !seen.insert(&fact.payload) {
                    return Err(format!("{} twice in {channel} {epoch}", fact.payload));
                }
            }
        }
        for (channel, count) in unseen {
            let silent = self.silent.get(channel).copied().unwrap_or(0);
            if silent < count {
                return Err(format!("{channel} has {count} holes, and {silent} can be explained"));
            }
        }
        Ok(())
    }

    /// Places that were seen.
    pub(crate) fn count(&self) -> usize {
        self.places.values().map(BTreeMap::len).sum()
    }
}
