//! Texts that many sessions share: the name of a route, a browser's User-Agent, a kind of device.
//! Each is held once, however many say it, and forgotten with the last of them.

use std::{collections::HashMap, sync::Arc};

/// A text that is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Label(u32);

impl Label {
    /// No text.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// Bounded by the sessions, each of which holds three at most.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    held: slab::Slab<(Arc<str>, u32)>,
    places: HashMap<Arc<str>, u32>,
}

impl Labels {
    pub(crate) fn hold(&mut self, text: Option<&str>) -> Label {
        let Some(text) = text else { return Label::NONE };
        if let Some(place) = self.places.get(text).copied() {
            self.held[place as usize].1 += 1;
            return Label(place);
        }
        let text: Arc<str> = text.into();
        let place = self.held.insert((Arc::clone(&text), 1));
        let place = u32::try_from(place).expect("fewer labels than sessions can have");
        self.places.insert(text, place);
        Label(place)
    }

    pub(crate) fn let_go(&mut self, label: Label) {
        if label == Label::NONE {
            return;
        }
        let held = &mut self.held[label.0 as usize];
        held.1 -= 1;
        if held.1 == 0 {
            let (text, _) = self.held.remove(label.0 as usize);
            self.places.remove(&text);
        }
    }

    pub(crate) fn text(&self, label: Label) -> Option<&str> {
        self.held.get(label.0 as usize).filter(|_| label != Label::NONE).map(|it| &*it.0)
    }

    /// The label of a text that somebody holds.
    pub(crate) fn find(&self, text: &str) -> Option<Label> {
        self.places.get(text).copied().map(Label)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}
