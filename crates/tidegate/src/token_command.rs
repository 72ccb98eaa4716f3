//! `tidegate token`: a token to try things with.

use std::{io, path::PathBuf};

use proto::UnixTime;
use serde_json::{Map, Value, json};
use thiserror::Error;
use token::{BadKey, Key};

use crate::{cli::Token, ground::moment};

/// Where the secret is when no file is named.
const SECRET: &str = "TIDEGATE_SECRET";

#[derive(Debug, Error)]
pub(crate) enum TokenError {
    #[error("no secret: set {SECRET}, or name a file with --secret-file")]
    NoSecret,
    #[error("read secret {}", path.display())]
    Secret { path: PathBuf, source: io::Error },
    #[error("--claims is not a JSON object")]
    Claims(#[source] serde_json::Error),
    #[error("sign")]
    Sign(#[source] BadKey),
}

#[expect(clippy::print_stdout, reason = "the token is the answer")]
pub(crate) fn token(arguments: &Token) -> Result<(), TokenError> {
    let key = Key::hmac(&secret(arguments)?).map_err(TokenError::Sign)?;
    let claims = claims(arguments, moment().wall)?;
    println!("{}", token::mint(&claims, &key, None).map_err(TokenError::Sign)?);
    Ok(())
}

fn secret(arguments: &Token) -> Result<Vec<u8>, TokenError> {
    let Some(path) = &arguments.secret_file else {
        return std::env::var(SECRET).map(String::into_bytes).map_err(|_| TokenError::NoSecret);
    };
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| TokenError::Secret { path: path.clone(), source })?;
    // Editors end files with a newline, which nobody means as a part of the secret.
    Ok(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec())
}

/// What every example asks of a token, under whatever else was asked for.
fn claims(arguments: &Token, now: UnixTime) -> Result<Map<String, Value>, TokenError> {
    let user = match arguments.user.parse::<u64>() {
        Ok(number) if arguments.user_claim == "user_id" => json!(number),
        _ => json!(arguments.user),
    };
    let mut claims = Map::new();
    claims.insert("token_type".to_owned(), json!("access"));
    claims.insert(arguments.user_claim.clone(), user);
    claims.insert("iat".to_owned(), json!(now.0));
    claims.insert("exp".to_owned(), json!(now.0.saturating_add(arguments.ttl.as_secs())));
    if let Some(text) = &arguments.claims {
        let more: Map<String, Value> = serde_json::from_str(text).map_err(TokenError::Claims)?;
        claims.extend(more);
    }
    Ok(claims)
}
