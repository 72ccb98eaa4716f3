//! What a connection lets others notice of its user, beside what it says.

use std::time::Duration;

use limits::Budget;
use proto::Status;

/// How often members of a channel are told what has changed in passing: often enough to look
/// immediate, seldom enough that whatever the number of changes, a member is told five things a
/// second. In ticks of a tenth, two notices are a tenth of a second apart at least.
pub(crate) const NOTICE_EVERY: Duration = Duration::from_millis(200);

/// Boxed by its connection, because most never say anything of the kind.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    pub(crate) status: Status,
    /// Keys of the channels it writes in. At most those it has joined.
    pub(crate) typing_in: Vec<u32>,
    /// How often it may say that it writes.
    pub(crate) budget: Budget,
}
