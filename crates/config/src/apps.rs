//! `[apps.NAME]`: applications that run in the gateway.

use std::sync::Arc;

use crate::{table::Table, value::Choice};

/// One application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AppEntry {
    pub name: Arc<str>,
    pub kind: AppKind,
}

/// The applications there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AppKind {
    /// Says back what it hears.
    Echo,
    /// Notifications of a project management system.
    Notifications,
    /// Check-ins at a gym.
    Checkins,
    /// Team chat, over Socket.IO.
    Chat,
}

impl Choice for AppKind {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("echo", Self::Echo),
        ("notifications", Self::Notifications),
        ("checkins", Self::Checkins),
        ("chat", Self::Chat),
    ];
}

impl AppKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|it| it.1 == self).map_or("", |it| it.0)
    }

    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::WORDS.iter().find(|it| it.0 == text).map(|it| it.1)
    }
}

pub(crate) fn read(root: &mut Table<'_>) -> Vec<AppEntry> {
    let says =
        "Applications. A route may also name a kind directly; then there is one of that name.";
    root.named("apps", says, |name, table| {
        let kind = table.need("kind", "Which application this is.")?;
        Some(AppEntry { name: name.into(), kind })
    })
}
