//! A newer token for one that is still good (R10).
//!
//! `POST /api/tokens/refresh` takes the token as `Authorization: Bearer …` or `{token}` and answers
//! `{token, expires_in}`. The token itself is what proves who asks, so no API key is asked for;
//! whoever guesses has to wait like anyone who guesses keys (A12).

use std::{sync::Arc, time::Instant};

use app::rest::{self, Given};
use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::header,
};
use limits::AddressKey;
use proto::{Code, Refusal};
use serde::{Deserialize, Serialize};

use crate::{
    handoff::Sender,
    problem::{HttpOnly, Problem},
    shared::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    token: String,
}

#[derive(Serialize)]
pub(crate) struct Newer {
    token: String,
    /// Seconds.
    expires_in: u64,
}

/// `POST /api/tokens/refresh`.
pub(crate) async fn refresh(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<Newer>, Problem> {
    let client = request.extensions().get::<Sender>().map(|it| AddressKey::from(it.client));
    if let Some(wait) = client.and_then(|it| shared.failures().wait(Instant::now(), it)) {
        return Err(Refusal::new(Code::AuthBackoff).after(wait).into());
    }
    let token = token(&shared, request).await?;
    let exchanged = shared.register.exchange(&token).await;
    if let Err(refusal) = &exchanged {
        shared.monitor.front().authentication_failed();
        if let (Code::InvalidToken, Some(client)) = (refusal.code, client) {
            shared.failures().failed(Instant::now(), client);
        }
    }
    let newer = exchanged?.ok_or(HttpOnly::NotMintedHere)?;
    Ok(Json(Newer { token: newer.token, expires_in: newer.expires_in.as_secs() }))
}

/// The header, where there is one, whatever the body says.
async fn token(shared: &Arc<Shared>, request: Request) -> Result<String, Refusal> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return rest::bearer(request.headers()).map(str::to_owned);
    }
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Err(Code::AuthRequired.into());
    }
    let Given(shown) = Given::<Shown>::from_request(request, shared).await.map_err(|it| it.0)?;
    match shown.token.is_empty() {
        true => Err(Code::AuthRequired.into()),
        false => Ok(shown.token),
    }
}
