//! Rows and their seals. A seal is two CRC-32s in one number, over everything in the row: the upper
//! half over its numbers, the lower over those and its texts. When only the lower one fails, it is
//! still certain whose row it is.

use std::sync::Arc;

use crc32fast::Hasher;
use proto::{
    ChannelName, Cursor, Epoch, Kind, Offset, Placed, Publication, Reader, UnixMillis, UserId,
};
use rusqlite::{Row, types::ValueRef};

/// The seal of a row with these numbers and texts.
pub(crate) fn seal_of(numbers: &[u64], texts: &[Option<&str>]) -> u64 {
    let mut hasher = Hasher::new();
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    let place = hasher.clone().finalize();
    for text in texts {
        // A length that no text has tells absence from emptiness.
        let length = text.map_or(u64::MAX, |it| it.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
    }
    u64::from(place) << 32 | u64::from(hasher.finalize())
}

/// A row of `messages`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageRow<'a> {
    pub(crate) id: u64,
    pub(crate) log: u64,
    pub(crate) offset: u64,
    pub(crate) time: u64,
    pub(crate) key: Option<&'a str>,
    pub(crate) sender: Option<&'a str>,
    pub(crate) passed_over: Option<&'a str>,
    pub(crate) event: Option<&'a str>,
    pub(crate) payload: &'a str,
}

/// What a row turned out to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Whole(MessageRow<'a>),
    /// Its place is certain, its content is not what was written.
    Changed {
        id: u64,
        log: u64,
    },
    /// Nothing about it is certain.
    Lost,
}

impl<'a> MessageRow<'a> {
    pub(crate) const COLUMNS: &'static str =
        "id, log, offset, time, key, sender, passed_over, event, payload, seal";

    pub(crate) fn seal(&self) -> u64 {
        seal_of(
            &[self.id, self.log, self.offset, self.time],
            &[self.key, self.sender, self.passed_over, self.event, Some(self.payload)],
        )
    }

    /// Reads [`Self::COLUMNS`].
    pub(crate) fn read(row: &'a Row<'_>) -> Found<'a> {
        let numbers = (number(row, 0), number(row, 1), number(row, 2), number(row, 3));
        let (Some(id), Some(log), Some(offset), Some(time)) = numbers else { return Found::Lost };
        let Some(seal) = number(row, 9) else { return Found::Lost };
        if seal >> 32 != seal_of(&[id, log, offset, time], &[]) >> 32 {
            return Found::Lost;
        }
        let (key, sender, passed_over) = (text(row, 4), text(row, 5), text(row, 6));
        let texts = (key, sender, passed_over, text(row, 7), text(row, 8));
        let (Some(key), Some(sender), Some(passed_over), Some(event), Some(Some(payload))) = texts
        else {
            return Found::Changed { id, log };
        };
        let read = Self { id, log, offset, time, key, sender, passed_over, event, payload };
        match read.seal() == seal {
            true => Found::Whole(read),
            false => Found::Changed { id, log },
        }
    }

    /// What it weighs for retention and pages: its texts.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [self.key, self.sender, self.passed_over, self.event, Some(self.payload)];
        texts.into_iter().flatten().map(str::len).sum()
    }

    /// `None` if a user has a name that no user has, which a whole row does not say.
    pub(crate) fn publication(&self, channel: &ChannelName, epoch: Epoch) -> Option<Publication> {
        let user = |it: Option<&str>| match it {
            None => Some(None),
            Some(text) => UserId::parse(text).map(Some),
        };
        Some(Publication {
            channel: channel.clone(),
            kind: Kind::Message(Placed { epoch, offset: Offset(self.offset) }),
            from: user(self.sender)?,
            except: user(self.passed_over)?,
            except_conn: None,
            payload: self.payload.into(),
            event: self.event.map(Into::into),
            time: UnixMillis(self.time),
        })
    }
}

/// A row of `logs`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LogRow {
    pub(crate) id: u64,
    pub(crate) channel: ChannelName,
    pub(crate) epoch: Epoch,
    /// May be behind while there are messages; they know better.
    pub(crate) head: Offset,
    /// Of the last message, or when it was set aside.
    pub(crate) time: UnixMillis,
    pub(crate) state: State,
    /// Whether it has messages that were told before they were stored.
    pub(crate) loose: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Live = 0,
    /// Forgotten; its rows are still being deleted.
    Erased = 1,
    /// Damaged; kept for a month to be looked at, never served.
    Aside = 2,
}

impl LogRow {
    pub(crate) const COLUMNS: &'static str = "id, channel, epoch, head, time, state, loose, seal";

    pub(crate) fn seal(&self) -> u64 {
        let numbers = [
            self.id,
            self.epoch.0,
            self.head.0,
            self.time.0,
            self.state as u64,
            u64::from(self.loose),
        ];
        seal_of(&numbers, &[Some(self.channel.as_str())])
    }

    /// Reads [`Self::COLUMNS`]; `None` unless the row is whole.
    pub(crate) fn read(row: &Row<'_>) -> Option<Self> {
        let read = Self {
            id: number(row, 0)?,
            channel: ChannelName::reserved(text(row, 1)??).ok()?,
            epoch: Epoch(number(row, 2)?),
            head: Offset(number(row, 3)?),
            time: UnixMillis(number(row, 4)?),
            state: match number(row, 5)? {
                0 => State::Live,
                1 => State::Erased,
                2 => State::Aside,
                _ => return None,
            },
            loose: number(row, 6)? == 1,
        };
        (read.seal() == number(row, 7)?).then_some(read)
    }
}

/// A row of `cursors`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CursorRow {
    pub(crate) log: u64,
    pub(crate) reader: Reader,
    pub(crate) cursor: Cursor,
}

impl CursorRow {
    pub(crate) const COLUMNS: &'static str = "log, user, device, delivered, read, seal";

    pub(crate) fn seal(&self) -> u64 {
        let numbers = [self.log, self.cursor.delivered.0, self.cursor.read.0];
        seal_of(&numbers, &[Some(self.reader.user.as_str()), self.reader.device.as_deref()])
    }

    /// Reads [`Self::COLUMNS`]; `None` unless the row is whole.
    pub(crate) fn read(row: &Row<'_>) -> Option<Self> {
        let user = UserId::parse(text(row, 1)??)?;
        let device = text(row, 2)??.strip_prefix(DEVICE).map(Arc::from);
        let delivered = Offset(number(row, 3)?);
        let cursor = Cursor { delivered, read: Offset(number(row, 4)?) };
        let read = Self { log: number(row, 0)?, reader: Reader { user, device }, cursor };
        (read.seal() == number(row, 5)?).then_some(read)
    }
}

/// Before a device's name, so that no device is told from one whose name is empty.
const DEVICE: char = '/';

/// A device as its column has it.
pub(crate) fn device_column(reader: &Reader) -> String {
    reader.device.as_ref().map(|it| format!("{DEVICE}{it}")).unwrap_or_default()
}

/// Reads `kind, key, value, seal` of `kept`; `None` unless the row is whole.
pub(crate) fn read_kept<'a>(row: &'a Row<'_>) -> Option<(u64, &'a str, &'a str)> {
    let (kind, key, value) = (number(row, 0)?, text(row, 1)??, text(row, 2)??);
    (kept_seal(kind, key, value) == number(row, 3)?).then_some((kind, key, value))
}

pub(crate) fn kept_seal(kind: u64, key: &str, value: &str) -> u64 {
    seal_of(&[kind], &[Some(key), Some(value)])
}

/// A column that should hold a whole number.
fn number(row: &Row<'_>, column: usize) -> Option<u64> {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(number)) => Some(number.cast_unsigned()),
        Ok(ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) | Err(_) => {
            None
        }
    }
}

/// A column that should hold text or nothing.
fn text<'a>(row: &'a Row<'_>, column: usize) -> Option<Option<&'a str>> {
    match row.get_ref(column) {
        Ok(ValueRef::Null) => Some(None),
        Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).ok().map(Some),
        Ok(ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_)) | Err(_) => None,
    }
}
