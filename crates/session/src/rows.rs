//! Sessions and revocations as they are kept: JSON with a version, which a newer one may extend.

use std::sync::Arc;

use proto::{ChannelName, Epoch, Identity, Offset, Placed, SessionId, UnixTime, UserId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::Left;

/// One row to be written, or to be removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    pub key: String,
    /// `None`: the row goes.
    pub value: Option<String>,
}

/// A row that was kept and cannot be read. Says where, never what: rows hold session ids.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadRow {
    #[error("the row was written by a newer version")]
    Newer,
    #[error("the row is damaged")]
    Damaged,
}

pub(crate) const VERSION: u32 = 1;

/// What every row begins with, whatever else it says.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct SessionRow {
    pub(crate) v: u32,
    pub(crate) user: String,
    pub(crate) expires_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issued_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_id: Option<String>,
    pub(crate) claims: String,
    pub(crate) route: String,
    pub(crate) address: std::net::IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    pub(crate) created_at: u64,
    pub(crate) serial: u64,
    /// Since when it has been away; absent while it was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<u64>,
    /// When it ends without a good token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left: Vec<LeftRow>,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct LeftRow {
    channel: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<(String, u64)>,
}

pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BadRow> {
    let Versioned { v } = serde_json::from_str(text).map_err(|_| BadRow::Damaged)?;
    if VERSION < v {
        return Err(BadRow::Newer);
    }
    serde_json::from_str(text).map_err(|_| BadRow::Damaged)
}

pub(crate) fn write(row: &impl Serialize) -> String {
    serde_json::to_string(row).expect("text and numbers always serialise")
}

impl SessionRow {
    pub(crate) fn identity(&self) -> Result<Identity, BadRow> {
        Ok(Identity {
            user: UserId::parse(&self.user).ok_or(BadRow::Damaged)?,
            expires_at: UnixTime(self.expires_at),
            issued_at: self.issued_at.map(UnixTime),
            token_id: self.token_id.as_deref().map(Into::into),
            claims: Arc::from(self.claims.as_str()),
        })
    }

    pub(crate) fn left(&self) -> Result<Vec<Left>, BadRow> {
        self.left.iter().map(LeftRow::read).collect()
    }
}

impl LeftRow {
    pub(crate) fn of(left: &Left) -> Self {
        let at = left.1.map(|it| (it.epoch.to_string(), it.offset.0));
        Self { channel: left.0.as_str().to_owned(), at }
    }

    fn read(&self) -> Result<Left, BadRow> {
        let channel = ChannelName::parse(&self.channel).map_err(|_| BadRow::Damaged)?;
        let placed = |(epoch, offset): &(String, u64)| {
            let epoch = u64::from_str_radix(epoch, 16).map_err(|_| BadRow::Damaged)?;
            Ok(Placed { epoch: Epoch(epoch), offset: Offset(*offset) })
        };
        Ok((channel, self.at.as_ref().map(placed).transpose()?))
    }
}

pub(crate) fn id_of(key: &str) -> Result<SessionId, BadRow> {
    SessionId::parse(key).ok_or(BadRow::Damaged)
}
