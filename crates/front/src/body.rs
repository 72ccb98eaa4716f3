//! Reads a request's body, within its bounds, before anyone works on it.
//!
//! After this a body is bytes in memory: no route can forget a limit or a deadline (F2, H7).

use std::{future::poll_fn, pin::Pin, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;
use proto::{Code, Refusal};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use crate::{problem::Problem, shared::Shared};

/// The layer that every route has.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(head, Body::empty())).await;
    }
    let is_form = head.method != Method::GET && !says_json(&head.headers);
    let read = async {
        if is_form {
            // A form on a foreign page can send other types without asking first (D3).
            let how = "Send JSON, with Content-Type: application/json.";
            return Err(Refusal::new(Code::UnsupportedData).saying(how));
        }
        let read = timeout(shared.bounds.body_read_within, collect(body, &shared)).await;
        let late = || Refusal::new(Code::MessageLate).saying("The body did not arrive in time.");
        read.unwrap_or_else(|_| Err(late()))
    };
    match read.await {
        Ok((bytes, _held)) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Err(refusal) => {
            // What is left of the body is not waited for.
            let close = [(header::CONNECTION, "close")];
            (close, Problem::from(refusal)).into_response()
        }
    }
}

async fn collect(
    mut body: Body,
    shared: &Shared,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
    let max = shared.bounds.request_bytes_max;
    let too_big = || Refusal::new(Code::MessageTooBig).saying("The body is too large.");
    // Said before it is sent: refused before it is read.
    if max < usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) {
        return Err(too_big());
    }
    let mut bytes = BytesMut::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame
            .map_err(|_| Refusal::new(Code::BadCommand).saying("The body could not be read."))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if max < bytes.len() + chunk.len() {
            return Err(too_big());
        }
        hold(&mut held, bytes.len() + chunk.len(), shared)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.freeze(), held))
}

/// Has as many kibibytes set aside as `bytes` are, rounded up.
fn hold(
    held: &mut Option<OwnedSemaphorePermit>,
    bytes: usize,
    shared: &Shared,
) -> Result<(), Refusal> {
    let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let Some(more) = bytes.div_ceil(1024).checked_sub(has).filter(|it| *it != 0) else {
        return Ok(());
    };
    let busy = || Refusal::new(Code::Busy).after(std::time::Duration::from_secs(1));
    let more = u32::try_from(more).map_err(|_| busy())?;
    let permit = Arc::clone(&shared.body_room).try_acquire_many_owned(more).map_err(|_| busy())?;
    match held {
        Some(held) => held.merge(permit),
        None => *held = Some(permit),
    }
    Ok(())
}

fn says_json(headers: &axum::http::HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split(';').next())
        .is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}
