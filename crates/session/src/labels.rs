//! What many sessions share: the name of a route, a browser's User-Agent, a kind of device. Each is
//! held once, however many say it, and forgotten with the last of them.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc};

use slab::Slab;

/// What a client is, in one number.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    profiles: Held<Profile>,
    labels: Held<Arc<str>>,
}

/// Labels of the three, [`NONE`] where there is none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Profile {
    route: u32,
    agent: u32,
    device: u32,
}

/// No text.
const NONE: u32 = u32::MAX;

impl Profiles {
    /// Bounded by the sessions, each of which holds one.
    pub(crate) fn hold(&mut self, route: &str, agent: Option<&str>, device: Option<&str>) -> u32 {
        let mut label = |text: Option<&str>| text.map_or(NONE, |it| self.labels.hold(it));
        let profile =
            Profile { route: label(Some(route)), agent: label(agent), device: label(device) };
        let is_known = self.profiles.find(&profile).is_some();
        let held = self.profiles.hold(&profile);
        if is_known {
            // It has its labels already.
            self.let_go_of(profile);
        }
        held
    }

    pub(crate) fn let_go(&mut self, held: u32) {
        if let Some(profile) = self.profiles.let_go(held) {
            self.let_go_of(profile);
        }
    }

    pub(crate) fn route(&self, held: u32) -> &str {
        self.text(held, |it| it.route).unwrap_or_default()
    }

    pub(crate) fn agent(&self, held: u32) -> Option<&str> {
        self.text(held, |it| it.agent)
    }

    pub(crate) fn device(&self, held: u32) -> Option<&str> {
        self.text(held, |it| it.device)
    }

    fn text(&self, held: u32, which: impl Fn(&Profile) -> u32) -> Option<&str> {
        let profile = self.profiles.get(held)?;
        self.labels.get(which(profile)).map(|it| &**it)
    }

    fn let_go_of(&mut self, profile: Profile) {
        for label in [profile.route, profile.agent, profile.device] {
            if label != NONE {
                self.labels.let_go(label);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.profiles.held.len(), self.labels.held.len())
    }
}

/// Values that are counted, and found by a number.
#[derive(Debug)]
struct Held<T> {
    held: Slab<(T, u32)>,
    places: HashMap<T, u32>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { held: Slab::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Held<T> {
    fn hold<Q>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q> + for<'a> From<&'a Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(place) = self.find(value) {
            self.held[place as usize].1 += 1;
            return place;
        }
        let value = T::from(value);
        let place = self.held.insert((value.clone(), 1));
        let place = u32::try_from(place).expect("fewer than sessions can have");
        self.places.insert(value, place);
        place
    }

    /// One holder less; answers what nobody holds any more.
    fn let_go(&mut self, place: u32) -> Option<T> {
        let held = &mut self.held[place as usize];
        held.1 -= 1;
        if 0 < held.1 {
            return None;
        }
        let (value, _) = self.held.remove(place as usize);
        self.places.remove(&value);
        Some(value)
    }

    fn find<Q>(&self, value: &Q) -> Option<u32>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.places.get(value).copied()
    }

    fn get(&self, place: u32) -> Option<&T> {
        self.held.get(place as usize).map(|it| &it.0)
    }
}

impl From<&Self> for Profile {
    fn from(profile: &Self) -> Self {
        *profile
    }
}
