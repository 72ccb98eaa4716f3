//! permessage-deflate (RFC 7692): what is agreed, and the two engines that carry it out.
//!
//! By default neither side keeps its window from one message to the next, so one [`Inflater`] and
//! a [`Deflater`] for each window size serve all connections of a shard, and no connection pays
//! the 32 to 300 KiB a window and its tables cost. It also means that text of one user is never
//! compressed against text of another.

mod compress;
mod inflate;
mod offer;

pub use compress::{Deflater, WORTHWHILE_BYTES_MIN};
pub use inflate::Inflater;
pub use offer::{DeflateParams, DeflatePolicy, negotiate};
