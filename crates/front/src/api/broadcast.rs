//! One message to many channels. A channel that cannot have it does not keep it from the others.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use proto::{Code, Placed, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::task::JoinSet;

use super::{
    Place, bad, channel_named, payload, post,
    publish::{ask, given, key_of, once, places},
};
use crate::{gate::Caller, problem::Problem, shared::Shared};

/// Each is a publication of its own.
const CHANNELS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broadcast {
    channels: Vec<String>,
    data: Box<RawValue>,
    idempotency_key: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Results {
    /// In the order of the request's channels.
    results: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    channel: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Place),
    Error(Value),
}

/// `POST /api/broadcast`.
///
/// With an idempotency key, a repetition publishes where it was refused before and nowhere else.
pub(crate) async fn broadcast(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Results>, Problem> {
    let (asked, print) = given::<Broadcast>(request).await?;
    let Broadcast { channels, data, idempotency_key } = asked;
    if channels.is_empty() || CHANNELS_MAX < channels.len() {
        return Err(bad("\"channels\" has 1 to 100 names.").into());
    }
    let payload = payload(&data)?;
    let key = key_of(&shared, caller, idempotency_key.as_deref());
    let places = places(&shared, caller, idempotency_key.as_deref(), &print, channels.len())?;

    let mut outcomes: Vec<Result<Placed, Refusal>> = Vec::new();
    outcomes.resize_with(channels.len(), || Err(Code::AppFailed.into()));
    let mut asks = JoinSet::new();
    for (index, channel) in channels.iter().enumerate() {
        let post = match channel_named(channel) {
            Ok(channel) => post(channel, &payload, key.as_ref()),
            Err(refusal) => {
                outcomes[index] = Err(refusal);
                continue;
            }
        };
        let (shared, places) = (Arc::clone(&shared), places.clone());
        asks.spawn(async move {
            match places {
                None => (index, ask(&shared, post).await),
                Some(places) => (index, once(&shared, post, places, index).await),
            }
        });
    }
    while let Some(answer) = asks.join_next().await {
        // One that panicked keeps the refusal it began with.
        if let Ok((index, outcome)) = answer {
            outcomes[index] = outcome;
        }
    }
    let told = channels.into_iter().zip(outcomes).map(|(channel, outcome)| Told {
        channel,
        outcome: match outcome {
            Ok(placed) => Outcome::Result(placed.into()),
            Err(refusal) => {
                Outcome::Error(serde_json::to_value(refusal.body()).unwrap_or_default())
            }
        },
    });
    Ok(Json(Results { results: told.collect() }))
}
