//! May this user do this on that channel? One answer for every dialect and every API (C3).
//!
//! Also the three small notations it is asked in: paths of routes, templates of the channels a
//! route joins, and patterns of the channels a rule is about. All three are parsed once, at the
//! door; what a client or a token supplies is only ever compared with them or put into them as
//! literal text, never read as notation (C1).

mod authorize; // Start here.

mod captures;
mod grants;
mod path_pattern;
mod pattern;
mod placeholder;
mod rules;
mod subject;
mod template;

#[cfg(test)]
mod fixtures;

pub use crate::{
    authorize::{Denied, authorize},
    captures::Captures,
    path_pattern::{BadPath, PathPattern},
    pattern::{BadPattern, Pattern},
    placeholder::{BadPlaceholder, Placeholder},
    rules::{Action, Requirements, Rule, Rules, holds},
    template::{BadTemplate, Template},
};
