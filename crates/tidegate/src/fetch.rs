//! Fetching the key sets that issuers publish.

use std::{sync::Arc, time::Duration};

use token::{FetchFault, Keyring, Source, Turn};
use tracing::{info, warn};
use ureq::{Agent, Error};

use crate::{common::Common, inbox::lock};

/// From asking to the last byte of the answer (A4).
const WITHIN: Duration = Duration::from_secs(5);

/// Fetches one key set and tells every shard. Called once for each [`Source`] that admission asks
/// for; how often that may be is the key set's own affair.
pub(crate) fn begin(common: &Arc<Common>, source: Source) {
    let common = Arc::clone(common);
    let runtime = common.runtime.clone();
    // A blocking client on a thread for blocking work: a fetch is rare, and one client is enough.
    runtime.spawn_blocking(move || {
        let body = fetch(&source.url);
        let turn = {
            let mut key_sets = lock(&common.key_sets);
            let Some(set) = key_sets.of(&source) else { return };
            set.fetched(std::time::Instant::now(), body.as_deref().map_err(Clone::clone))
        };
        match &turn {
            Ok(Turn::Rotated) => info!(issuer = source.issuer, "keys have changed"),
            Ok(Turn::Same) => {}
            Err(fault) => {
                let cause = std::error::Error::source(fault).map(ToString::to_string);
                warn!(issuer = source.issuer, url = source.url, %fault, cause, "keys not renewed");
            }
        }
        common.hub.keys_fetched(matches!(turn, Ok(Turn::Rotated)));
    });
}

fn fetch(url: &str) -> Result<Vec<u8>, FetchFault> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(url).call().map_err(|it| FetchFault::NoAnswer(it.to_string()))?;
    match answer.status().as_u16() {
        200 => {}
        300..=399 => return Err(FetchFault::Redirected),
        status => return Err(FetchFault::Status(status)),
    }
    let bytes_max = Keyring::JWKS_BYTES_MAX as u64;
    answer.body_mut().with_config().limit(bytes_max).read_to_vec().map_err(|error| {
        if matches!(error, Error::BodyExceedsLimit(_)) {
            FetchFault::TooLarge
        } else {
            FetchFault::NoAnswer(error.to_string())
        }
    })
}
