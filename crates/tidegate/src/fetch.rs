//! Fetching the key sets that issuers publish.

use std::{sync::Arc, time::Duration};

use token::{FetchFault, Keyring, Source, Turn};
use tracing::{info, warn};
use ureq::{Agent, Error, tls::TlsConfig};

use crate::{ground::Ground, inbox::lock};

/// From asking to the last byte of the answer (A4).
const WITHIN: Duration = Duration::from_secs(5);

/// Fetches one key set and tells every shard. Called once for each [`Source`] that admission asks
/// for; how often that may be is the key set's own affair.
pub(crate) fn begin(ground: &Arc<Ground>, source: Source) {
    let ground = Arc::clone(ground);
    let runtime = ground.runtime.clone();
    // A blocking client on a thread for blocking work: a fetch is rare, and one client is enough.
    runtime.spawn_blocking(move || {
        let body = fetch(&source.url);
        let turn = {
            let mut key_sets = lock(&ground.key_sets);
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
        ground.hub.keys_fetched(matches!(turn, Ok(Turn::Rotated)));
    });
}

fn fetch(url: &str) -> Result<Vec<u8>, FetchFault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread::{self, JoinHandle},
    };

    use super::*;

    /// Answers one connection with these bytes, whatever it asks.
    fn issuer(scheme: &str, answer: Vec<u8>) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}/keys", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).unwrap();
            // Who finds it too long hangs up.
            let _ = stream.write_all(&answer);
        });
        (url, thread)
    }

    fn fetched(scheme: &str, answer: impl Into<Vec<u8>>) -> Result<Vec<u8>, FetchFault> {
        let (url, thread) = issuer(scheme, answer.into());
        let fetched = fetch(&url);
        thread.join().unwrap();
        fetched
    }

    #[test]
    fn a_key_set_is_fetched() {
        let body = fetched("http", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(body.unwrap(), b"{}");
    }

    /// An issuer that is moved is an issuer to look at, not to follow.
    #[test]
    fn a_redirect_is_not_followed() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
        assert!(matches!(fetched("http", moved), Err(FetchFault::Redirected)));
    }

    #[test]
    fn another_status_is_no_key_set() {
        let away = "HTTP/1.1 503 Away\r\nContent-Length: 2\r\n\r\n{}";
        assert!(matches!(fetched("http", away), Err(FetchFault::Status(503))));
    }

    #[test]
    fn a_body_without_end_is_too_large() {
        let mut long = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        long.resize(Keyring::JWKS_BYTES_MAX + 2000, b' ');
        assert!(matches!(fetched("http", long), Err(FetchFault::TooLarge)));
    }

    #[test]
    fn whoever_does_not_speak_tls_is_no_issuer() {
        let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert!(matches!(fetched("https", plain), Err(FetchFault::NoAnswer(_))));
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let (url, thread) = issuer("http", Vec::new());
        assert!(matches!(fetch(&url), Err(FetchFault::NoAnswer(_))));
        thread.join().unwrap();
        assert!(matches!(fetch(&url), Err(FetchFault::NoAnswer(_))));
    }
}
