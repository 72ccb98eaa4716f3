//! From a file and an environment to a [`Config`] in which everything is meant as it stands.
//!
//! All faults are told at once, each with its place, its key, what is wrong and what to do. Reads
//! the file, the secrets it names, and nothing else; opens no socket and asks no clock.

mod config; // Start here: what there is, and the function that reads it.

mod access;
mod apps;
mod channels;
mod explain;
mod fault;
mod keys;
mod load;
mod log;
mod memory;
mod namespace;
mod policy;
mod profile;
mod reader;
mod routes;
mod secret;
mod server;
mod sessions;
mod store;
mod surroundings;
mod table;
mod units;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub use crate::{
    access::{Admins, Api, ApiKey, MetricsAccess, Monitoring, Scope},
    apps::{AppEntry, AppKind},
    config::Config,
    explain::{Key, explain, page},
    fault::{Fault, Faults, Place},
    keys::{Mint, Verifier},
    load::{LoadError, load, load_in, load_text},
    log::{Format, Log},
    memory::{Memory, most_memory},
    profile::Profile,
    routes::RouteEntry,
    secret::{SECRET_BYTES_MIN, Secret},
    server::{Server, Tls},
    store::Store,
    surroundings::Surroundings,
};
