//! What the HTTP side may ask of logs, and of who is there to hear.

use async_trait::async_trait;
use proto::{ChannelName, Cursor, Epoch, Page, Reader, Refusal, Roll, Span, Who};

/// The channels' logs, as seen from the asynchronous side.
///
/// A refusal is `NO_LOG` where the namespace keeps none, `STORE_UNAVAILABLE` where the disk does
/// not answer, `BUSY` where too much waits.
#[async_trait]
pub trait Logs: Send + Sync + 'static {
    /// A part of a channel's log, read now.
    async fn history(&self, reading: Reading) -> Result<Page, Refusal>;

    /// How far somebody has come in a channel's log, and how many messages are unread.
    async fn cursor(&self, channel: ChannelName, reader: Reader) -> Result<(Cursor, u64), Refusal>;

    /// Who is in a channel; a refusal is `NO_PRESENCE` where the namespace does not tell.
    async fn presence(&self, channel: ChannelName, who: Who) -> Result<Roll, Refusal>;

    /// Forgets a channel's log, with its cursors. What comes begins in another epoch (C5).
    async fn erase(&self, channel: ChannelName) -> Result<(), Refusal>;
}

/// Which part of which log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    pub channel: ChannelName,
    pub span: Span,
    /// Only if this is the log's epoch. `None`: whichever it is.
    pub epoch: Option<Epoch>,
    /// Messages wanted at most.
    pub limit: u16,
}
