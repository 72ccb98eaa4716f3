//! What should be true of channels: one order each, and every place in it filled once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proto::{
    ChannelName, Epoch, Kind, LogHead, Offset, Placed, Publication, Reader, UnixMillis, UserId,
};

use crate::{
    marks::Marks,
    rules::{self, Kept},
};

/// Everything that was ever given a place, as far as it could be seen.
#[derive(Debug, Default)]
pub(crate) struct Model {
    places: BTreeMap<(ChannelName, Epoch), BTreeMap<u64, Fact>>,
    /// What was published, by channel. Where nobody followed, its places cannot be seen.
    silent: BTreeMap<ChannelName, usize>,
    /// Places whoever published was told of.
    told: BTreeSet<(ChannelName, Epoch, u64)>,
    said: BTreeSet<Arc<str>>,
    serial: u64,
    /// Where each channel stands, as far as anybody was told.
    heads: BTreeMap<ChannelName, Placed>,
    /// Where logs stand on disk.
    disk: BTreeMap<ChannelName, LogHead>,
    /// The furthest that a log was cut to, in any epoch.
    cuts: BTreeMap<ChannelName, Offset>,
    erased: BTreeSet<ChannelName>,
    /// Epochs of logs confirmed before they are on disk that may have ended.
    ended: BTreeSet<(ChannelName, Epoch)>,
    /// Attempts to publish something that nobody has answered, and what has been refused each time.
    attempts: BTreeMap<Arc<str>, usize>,
    refused: BTreeSet<Arc<str>>,
    /// What was told of what was said with a key.
    keys: BTreeMap<(ChannelName, Arc<str>), Placed>,
    /// What passes somebody over and was not seen to have a place.
    unseen: BTreeMap<(ChannelName, UserId), BTreeSet<Arc<str>>>,
    pub(crate) marks: Marks,
    /// What is wrong on disk.
    pub(crate) complaint: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fact {
    pub(crate) payload: Arc<str>,
    pub(crate) from: Option<UserId>,
    pub(crate) except: Option<UserId>,
    pub(crate) time: UnixMillis,
}

type Checked = Result<(), String>;

impl Model {
    /// A payload unlike any other.
    pub(crate) fn payload(&mut self) -> Arc<str> {
        self.serial += 1;
        let payload: Arc<str> = format!("\"m{}\"", self.serial).into();
        self.said.insert(Arc::clone(&payload));
        payload
    }

    /// Something is published.
    pub(crate) fn attempt(
        &mut self,
        channel: &ChannelName,
        payload: &Arc<str>,
        except: Option<&UserId>,
    ) {
        if let Some(user) = except {
            let unseen = self.unseen.entry((channel.clone(), user.clone())).or_default();
            unseen.insert(Arc::clone(payload));
        }
        *self.silent.entry(channel.clone()).or_default() += 1;
        *self.attempts.entry(Arc::clone(payload)).or_default() += 1;
        self.refused.remove(payload);
    }

    /// Whoever published has been told that it was not done.
    pub(crate) fn refuse(&mut self, payload: &Arc<str>) {
        let Some(count) = self.attempts.get_mut(payload) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.refused.insert(Arc::clone(payload));
        }
    }

    /// Whoever published has been told this place. What is confirmed is where it should be.
    pub(crate) fn tell(&mut self, channel: &ChannelName, at: Placed) -> Checked {
        self.told.insert((channel.clone(), at.epoch, at.offset.0));
        self.advance(channel, at);
        if rules::kept(channel) == Kept::Safely && !self.is_on_disk(channel, at) {
            return Err(format!("{channel} {at:?} is confirmed and not on disk"));
        }
        Ok(())
    }

    /// The same key, the same place.
    pub(crate) fn tell_key(&mut self, channel: &ChannelName, key: Arc<str>, at: Placed) -> Checked {
        let before = *self.keys.entry((channel.clone(), Arc::clone(&key))).or_insert(at);
        let may_change = match rules::kept(channel) {
            // The row of a message that was cut is gone, and its key with it.
            Kept::Safely => self.erased.contains(channel) || before.offset < self.first(channel),
            Kept::Soon => before.epoch != at.epoch || before.offset < self.first(channel),
            Kept::InMemory | Kept::Nowhere => before.epoch != at.epoch,
        };
        if before != at && !may_change {
            return Err(format!("{key} in {channel} was {before:?} and is {at:?}"));
        }
        Ok(())
    }

    /// Members hear this now.
    pub(crate) fn live(&mut self, publication: &Publication) -> Checked {
        let Kind::Message(at) = publication.kind else { return Ok(()) };
        self.placed(publication)?;
        let channel = &publication.channel;
        self.advance(channel, at);
        if self.refused.contains(&publication.payload) {
            return Err(format!("{} in {channel} was refused and is heard", publication.payload));
        }
        if rules::kept(channel) == Kept::Safely && !self.is_on_disk(channel, at) {
            return Err(format!("{channel} {at:?} is heard and not on disk"));
        }
        Ok(())
    }

    /// Somebody is given this, who was not here or not in time.
    pub(crate) fn given(&mut self, publication: &Publication) -> Checked {
        if let Kind::Message(at) = publication.kind {
            self.advance(&publication.channel, at);
        }
        self.placed(publication)
    }

    /// A message has this place.
    pub(crate) fn placed(&mut self, publication: &Publication) -> Checked {
        let Kind::Message(at) = publication.kind else { return Ok(()) };
        let channel = &publication.channel;
        let fact = Fact {
            payload: Arc::clone(&publication.payload),
            from: publication.from.clone(),
            except: publication.except.clone(),
            time: publication.time,
        };
        if !self.said.contains(&fact.payload) {
            return Err(format!("{} in {channel} was said by nobody", fact.payload));
        }
        let order = self.places.entry((channel.clone(), at.epoch)).or_default();
        if let Some(before) = order.get(&at.offset.0) {
            return match *before == fact {
                true => Ok(()),
                false => Err(format!("{channel} {at:?}: {before:?} and {fact:?} in one place")),
            };
        }
        // Time never goes back (L10).
        let earlier = order.range(..at.offset.0).next_back().map(|it| it.1.time);
        let later = order.range(at.offset.0..).next().map(|it| it.1.time);
        if earlier.is_some_and(|it| fact.time < it) || later.is_some_and(|it| it < fact.time) {
            return Err(format!("{channel} {at:?}: {earlier:?}, {:?}, {later:?}", fact.time));
        }
        if let Some(user) = &fact.except
            && let Some(unseen) = self.unseen.get_mut(&(channel.clone(), user.clone()))
        {
            unseen.remove(&fact.payload);
        }
        order.insert(at.offset.0, fact);
        Ok(())
    }

    pub(crate) fn stored(&mut self, publication: &Publication, head: LogHead) {
        self.disk.insert(publication.channel.clone(), head);
        self.complaint = self.placed(publication).err().or(self.complaint.take());
    }

    pub(crate) fn cut(&mut self, channel: &ChannelName, head: LogHead) {
        self.disk.insert(channel.clone(), head);
        let first = self.cuts.entry(channel.clone()).or_default();
        *first = head.first.max(*first);
    }

    /// A log goes on in another epoch with the messages it has.
    pub(crate) fn renewed(&mut self, channel: &ChannelName, head: LogHead) {
        if let Some(before) = self.disk.insert(channel.clone(), head) {
            self.ended.insert((channel.clone(), before.at.epoch));
            let order = self.places.get(&(channel.clone(), before.at.epoch)).cloned();
            let mut order = order.unwrap_or_default();
            order.retain(|it, _| *it <= head.at.offset.0);
            self.places.insert((channel.clone(), head.at.epoch), order);
        }
        self.marks.clamp(channel, head.at.offset);
    }

    pub(crate) fn will_erase(&mut self, channel: &ChannelName) {
        self.erased.insert(channel.clone());
    }

    pub(crate) fn erased(&mut self, channel: &ChannelName) {
        if let Some(LogHead { at, .. }) = self.disk.remove(channel) {
            // What was refused and is gone again has never been.
            let head = self.head(channel).filter(|it| it.epoch == at.epoch);
            let head = head.map_or(0, |it| it.offset.0);
            if let Some(order) = self.places.get_mut(&(channel.clone(), at.epoch)) {
                order.retain(|it, _| *it <= head);
            }
        }
        self.marks.forget(channel);
    }

    /// Whether somebody said, or showed, that they have come so far. Of what passes them over there
    /// is nothing to say.
    pub(crate) fn has_come(&self, channel: &ChannelName, reader: &Reader, offset: Offset) -> bool {
        // What was cut reaches nobody.
        let asked = self.marks.asked(channel, reader).max(Offset(self.first(channel).0 - 1));
        if offset <= asked {
            return true;
        }
        let heads = [self.disk.get(channel).map(|it| it.at), self.head(channel)];
        let between = (asked.0, offset.0 + 1);
        let user = reader.user.as_str();
        let mut heads = heads.into_iter().flatten();
        heads.any(|it| self.owed(channel, it.epoch, between, user).is_none())
    }

    pub(crate) fn was_erased(&self, channel: &ChannelName) -> bool {
        self.erased.contains(channel)
    }

    /// What is not on disk of this channel may be lost, and its epoch with it.
    pub(crate) fn may_end(&mut self, is_home: impl Fn(&ChannelName) -> bool) {
        let epochs = self.places.keys().filter(|it| is_home(&it.0)).cloned();
        self.ended.extend(epochs);
        let heads = self.heads.iter().filter(|it| is_home(it.0));
        self.ended.extend(heads.map(|it| (it.0.clone(), it.1.epoch)));
    }

    /// Whether everything after this place may be gone for whoever has come to it.
    pub(crate) fn may_be_lost(&self, channel: &ChannelName, place: Placed) -> bool {
        match rules::kept(channel) {
            Kept::Safely => self
                .disk
                .get(channel)
                .is_none_or(|it| it.at.epoch != place.epoch || !it.has_all_after(place.offset)),
            Kept::Soon => {
                self.erased.contains(channel)
                    || self.ended.contains(&(channel.clone(), place.epoch))
                    || place.offset.0 + 1 < self.first(channel).0
                    || place.offset == Offset(0)
            }
            Kept::InMemory | Kept::Nowhere => true,
        }
    }

    fn is_on_disk(&self, channel: &ChannelName, at: Placed) -> bool {
        let head = self.disk.get(channel).map(|it| it.at);
        // Erased after it was confirmed and before that was heard.
        head.is_some_and(|it| it.epoch == at.epoch && at.offset <= it.offset)
            || self.erased.contains(channel)
    }

    /// The oldest message that was never cut.
    pub(crate) fn first(&self, channel: &ChannelName) -> Offset {
        self.cuts.get(channel).copied().unwrap_or(Offset(1))
    }

    fn advance(&mut self, channel: &ChannelName, at: Placed) {
        let head = self.heads.entry(channel.clone()).or_insert(at);
        let is_same = head.epoch == at.epoch;
        *head = if is_same && at.offset < head.offset { *head } else { at };
    }

    /// The last place that somebody was told.
    pub(crate) fn head(&self, channel: &ChannelName) -> Option<Placed> {
        self.heads.get(channel).copied()
    }

    pub(crate) fn fact(&self, channel: &ChannelName, at: Placed) -> Option<&Fact> {
        self.places.get(&(channel.clone(), at.epoch))?.get(&at.offset.0)
    }

    /// The first place between two offsets that the user should have been given.
    pub(crate) fn owed(
        &self,
        channel: &ChannelName,
        epoch: Epoch,
        between: (u64, u64),
        user: &str,
    ) -> Option<u64> {
        (between.0 + 1..between.1).find(|it| !self.is_excepted(channel, epoch, *it, user))
    }

    pub(crate) fn has_except(&self, channel: &ChannelName, epoch: Epoch, offset: u64) -> bool {
        let at = Placed { epoch, offset: Offset(offset) };
        // What is not known may pass somebody over.
        self.fact(channel, at).is_none_or(|it| it.except.is_some())
    }

    pub(crate) fn is_excepted(
        &self,
        channel: &ChannelName,
        epoch: Epoch,
        offset: u64,
        user: &str,
    ) -> bool {
        let at = Placed { epoch, offset: Offset(offset) };
        match self.fact(channel, at) {
            Some(fact) => fact.except.as_ref().is_some_and(|it| it.as_str() == user),
            // It may be any of those.
            None => UserId::parse(user)
                .and_then(|it| self.unseen.get(&(channel.clone(), it)))
                .is_some_and(|it| !it.is_empty()),
        }
    }

    /// No payload twice, and no place left out but those that could not be seen.
    pub(crate) fn is_consistent(&self) -> Checked {
        let mut unseen: BTreeMap<&ChannelName, usize> = BTreeMap::new();
        let mut seen: BTreeMap<&Arc<str>, (Epoch, u64)> = BTreeMap::new();
        for ((channel, epoch), order) in &self.places {
            let last = order.last_key_value().map_or(0, |it| *it.0);
            let is_known = |it: &u64| {
                order.contains_key(it) || self.told.contains(&(channel.clone(), *epoch, *it))
            };
            let missing = (1..=last).filter(|it| !is_known(it)).count();
            *unseen.entry(channel).or_default() += missing;
            for (offset, fact) in order {
                let Some(before) = seen.insert(&fact.payload, (*epoch, *offset)) else { continue };
                let may_be_again = match rules::kept(channel) {
                    Kept::Safely => self.erased.contains(channel) && before.0 != *epoch,
                    Kept::Soon | Kept::InMemory => before.0 != *epoch,
                    Kept::Nowhere => false,
                };
                // Its key went with its row.
                if !may_be_again && self.first(channel).0 <= before.1.min(*offset) {
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
