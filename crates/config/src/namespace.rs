//! The keys of one namespace: what is kept of its channels' messages, and for whom.

use std::{sync::Arc, time::Duration};

use engine::{Class, Confirm, Keep, LogRules, Namespace, PresenceRules, Slow, Storage};

use crate::{
    fault::Wrong,
    server::bytes,
    table::Table,
    units::{Bytes, GIB, KIB},
    value::Choice,
};

impl Choice for Slow {
    const WORDS: &'static [(&'static str, Self)] = &[("close", Self::Close), ("drop", Self::Drop)];
}

/// Where a log is, before it is known how soon it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    None,
    Memory,
    Disk,
}

impl Choice for Place {
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("memory", Self::Memory), ("disk", Self::Disk)];
}

impl Choice for Class {
    const WORDS: &'static [(&'static str, Self)] =
        &[("sync", Self::Sync), ("interval", Self::Interval)];
}

impl Choice for Confirm {
    const WORDS: &'static [(&'static str, Self)] =
        &[("disk", Self::Disk), ("accepted", Self::Accepted)];
}

/// Whose cursors a namespace keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Whose {
    User,
    Device,
}

impl Choice for Whose {
    const WORDS: &'static [(&'static str, Self)] =
        &[("user", Self::User), ("device", Self::Device)];
}

pub(crate) fn read(table: &mut Table<'_>) -> Namespace {
    let slow = table.or(
        "slow",
        Slow::Close,
        "What happens to a member that reads too slowly. `close`: its connection is closed, to \
         come back and recover. `drop`: it misses messages and is told so; plain clients, who \
         cannot be told, are closed.",
    );
    let log = log(table);
    let is_mailbox = table.or(
        "mailbox",
        false,
        "Members begin with what they have not acknowledged, and it is sent again until they do. \
         Needs a log.",
    );
    let has_receipts = table.or(
        "receipts",
        false,
        "It is kept how far each member has come, and the others are told. Needs a log.",
    );
    let whose = table.or(
        "cursors",
        Whose::User,
        "Whether how far somebody has come is kept for the user or for each of their devices.",
    );
    for (key, is_wanted) in [("mailbox", is_mailbox), ("receipts", has_receipts)] {
        if is_wanted && log.storage == Storage::None {
            let remedy = "Add log = \"disk\" or log = \"memory\".";
            table.fault(key, Wrong::new("there is no log to count in", remedy));
        }
    }
    let presence = presence(table);
    let by_device = whose == Whose::Device;
    let event = event(table);
    Namespace { slow, log, is_mailbox, by_device, has_receipts, event, presence }
}

fn event(table: &mut Table<'_>) -> Option<Arc<str>> {
    let name: Option<String> = table.maybe(
        "event",
        "What Socket.IO clients hear a message as that was published without a name. Without it: \
         `message`.",
    );
    let name = name?;
    if name.is_empty() || RESERVED.contains(&&*name) {
        let remedy = "Write a name that Socket.IO does not keep for itself, such as \"message\".";
        table.fault("event", Wrong::new(format!("{name:?} is no name for an event"), remedy));
    }
    Some(name.into())
}

/// Names that mean something to the clients' libraries.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

fn presence(table: &mut Table<'_>) -> Option<PresenceRules> {
    let has_presence = table.or(
        "presence",
        false,
        "Members who may (`presence` in the permissions) can ask who else is here, and be told who \
         comes and goes.",
    );
    let default = PresenceRules::default();
    let grace = table.within(
        "presence_grace",
        default.grace,
        Duration::ZERO..=PresenceRules::SILENCE_MAX,
        "How long a user whose last connection was lost is waited for before they are missed. \
         Shortened after a long silence, so that both take 40 s at most.",
    );
    let events_max = table.within(
        "presence_events_max",
        default.events_max,
        0..=100_000,
        "Users of one channel above which members are told how many there are, and not who.",
    );
    for key in ["presence_grace", "presence_events_max"] {
        if !has_presence && table.has(key) {
            let remedy = "Add presence = true, or leave this out.";
            table.fault(key, Wrong::new("nobody is told who is here", remedy));
        }
    }
    has_presence.then_some(PresenceRules { grace, events_max })
}

fn log(table: &mut Table<'_>) -> LogRules {
    let place = table.or(
        "log",
        Place::None,
        "Where messages are kept for those who come later. `memory`: in this process. `disk`: in \
         the store.",
    );
    let class = table.or(
        "durability",
        Class::Sync,
        "How soon a message of a log on disk is there. `sync`: at once, in groups of a \
         millisecond. `interval`: within a tenth of a second.",
    );
    let quick = if class == Class::Sync { Confirm::Disk } else { Confirm::Accepted };
    let confirm = table.or(
        "confirm",
        quick,
        "When whoever publishes is answered and members hear it. `disk`: once it is there. \
         `accepted`: at once; what the disk has not taken yet is lost with the process, or when the \
         disk fails, after which the epoch is another. With `durability = \"interval\"` the default \
         is `accepted`.",
    );
    let default = Keep::default();
    let messages_max = table.within(
        "keep_messages",
        u32::try_from(default.messages_max).unwrap_or(u32::MAX),
        1..=100_000_000,
        "Messages kept of one channel. The oldest go first.",
    );
    let bytes_max = table.within(
        "keep_bytes",
        Bytes(default.bytes_max),
        Bytes(KIB)..=Bytes(64 * GIB),
        "Bytes kept of one channel.",
    );
    let age_max = table.within(
        "keep_for",
        default.age_max,
        Duration::from_secs(1)..=Duration::from_secs(10 * 365 * 24 * 3600),
        "How long a message is kept.",
    );
    let keep =
        Keep { messages_max: messages_max.into(), bytes_max: bytes(bytes_max) as u64, age_max };
    if class == Class::Sync && confirm == Confirm::Accepted && place == Place::Disk {
        // After a crash nobody could tell such a log from one that has lost nothing.
        let remedy = "Add durability = \"interval\", or leave this out.";
        let wrong = "what is confirmed before it is on disk is not written at once";
        table.fault("confirm", Wrong::new(wrong, remedy));
    }
    for key in ["durability", "confirm"] {
        if place != Place::Disk && table.has(key) {
            let remedy = "Add log = \"disk\", or leave this out.";
            table.fault(key, Wrong::new("only a log on disk has this", remedy));
        }
    }
    let storage = match place {
        Place::None => Storage::None,
        Place::Memory => Storage::Memory,
        Place::Disk => Storage::Disk(class),
    };
    let confirm = if place == Place::Disk { confirm } else { Confirm::default() };
    LogRules { storage, confirm, keep }
}
