//! What is known of a channel: who is there, what was said, how far somebody has come.

use std::{borrow::Cow, sync::Arc};

use app::{Reading, rest::Refused};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use proto::{
    ChannelName, Code, Epoch, Notice, Offset, Page, Reader, Refusal, Span, UnixMillis, UserId, Who,
};
use serde::{Deserialize, Serialize};

use super::{bad, channel_named};
use crate::shared::Shared;

/// Under which everything here is found.
const PREFIX: &str = "/api/channels/";

#[derive(Serialize)]
struct Described<'a> {
    channel: &'a str,
    /// Connections that are members, over all shards.
    members: usize,
    /// Null if the channel has not been used.
    epoch: Option<String>,
    offset: Option<u64>,
}

#[derive(Serialize)]
struct Marked<'a> {
    channel: &'a str,
    user: &'a str,
    delivered: u64,
    read: u64,
    /// Messages after the last that was read.
    unread: u64,
    /// Messages after the last that was acknowledged: what waits in a mailbox (R91).
    undelivered: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// An offset, or a user's id where it is asked who is here.
    after: Option<String>,
    before: Option<u64>,
    /// Unix seconds.
    time: Option<f64>,
    epoch: Option<String>,
    limit: Option<u16>,
    device: Option<String>,
    user: Option<String>,
}

/// `GET /api/channels/{name}`, `…/history`, `…/presence` and `…/cursors/{user}`.
///
/// A channel's name may have slashes. Whoever has one that ends like these addresses writes its
/// slashes as `%2F`.
pub(crate) async fn read(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    let asked = asked.map_err(|fault| {
        let sentence = format!("The query does not fit: {}.", fault.body_text());
        Refusal::new(Code::BadCommand).saying(sentence)
    })?;
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_end_matches('/');
    if let Some(name) = path.strip_suffix("/history") {
        return Ok(history(&shared, named(name)?, asked.0).await?);
    }
    if let Some(name) = path.strip_suffix("/presence") {
        return Ok(presence(&shared, named(name)?, asked.0).await?);
    }
    if let Some((name, user)) = path.rsplit_once("/cursors/").filter(|it| !it.1.contains('/')) {
        return Ok(cursor(&shared, named(name)?, &decoded(user)?, asked.0.device).await?);
    }
    let channel = named(path)?;
    let known = shared.gateway.describe(channel.clone()).await?;
    let described = Described {
        channel: channel.as_str(),
        members: known.members,
        epoch: known.head.map(|it| it.epoch.to_string()),
        offset: known.head.map(|it| it.offset.0),
    };
    Ok(Json(described).into_response())
}

/// `DELETE /api/channels/{name}`: its log is gone, and what comes begins anew (C5).
pub(crate) async fn erase(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<StatusCode, Refused> {
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_end_matches('/');
    shared.logs.erase(named(path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn history(shared: &Shared, channel: ChannelName, asked: Asked) -> Result<Response, Refusal> {
    let limit = asked.limit.unwrap_or(proto::json::HISTORY_DEFAULT);
    if !(1..=proto::json::HISTORY_MAX).contains(&limit) {
        return Err(bad("\"limit\" is from 1 to 1000."));
    }
    let after = asked.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| bad("\"after\" is an offset."))?;
    let span = match (after, asked.before, asked.time) {
        (None, None, None) => Span::Last,
        (Some(after), None, None) => Span::After(Offset(after)),
        (None, Some(before), None) => Span::Before(Offset(before)),
        (None, None, Some(time)) => Span::Since(UnixMillis::from_seconds(time)),
        _ => return Err(bad("Give one of \"after\", \"before\" and \"time\", or none.")),
    };
    let epoch = asked.epoch.as_deref().map(|it| u64::from_str_radix(it, 16).map(Epoch));
    let epoch = epoch.transpose().map_err(|_| bad("\"epoch\" is hexadecimal text."))?;
    let page = shared.logs.history(Reading { channel, span, epoch, limit }).await?;
    let body = printed(&page);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Payloads pass through as they were written.
fn printed(page: &Page) -> String {
    let (at, first) = (page.head.at, page.head.first.0);
    let items = proto::json::items(page);
    let (epoch, head) = (at.epoch, at.offset.0);
    format!(r#"{{"epoch":"{epoch}","first":{first},"head":{head},"items":{items}}}"#)
}

async fn presence(
    shared: &Shared,
    channel: ChannelName,
    asked: Asked,
) -> Result<Response, Refusal> {
    let user = |text: &String| UserId::parse(text).ok_or_else(|| bad("That is not a user's id."));
    let limit = asked.limit.unwrap_or(Notice::NAMES_MAX);
    let who = match (&asked.user, &asked.after) {
        (Some(_), Some(_)) => return Err(bad("Give \"user\" or \"after\", or neither.")),
        (Some(name), None) => Who::User(user(name)?),
        (None, _) if Notice::NAMES_MAX < limit => {
            return Err(bad("\"limit\" is from 0 to 100."));
        }
        (None, after) => Who::All { after: after.as_ref().map(user).transpose()?, limit },
    };
    let roll = shared.logs.presence(channel, who).await?;
    let body = proto::json::roll(&roll);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn cursor(
    shared: &Shared,
    channel: ChannelName,
    user: &str,
    device: Option<String>,
) -> Result<Response, Refusal> {
    let id = UserId::parse(user).ok_or_else(|| bad("That is not a user's id."))?;
    let reader = Reader { user: id, device: device.map(Into::into) };
    let (cursor, unread) = shared.logs.cursor(channel.clone(), reader).await?;
    let marked = Marked {
        channel: channel.as_str(),
        user,
        delivered: cursor.delivered.0,
        read: cursor.read.0,
        unread,
        undelivered: (unread + cursor.read.0).saturating_sub(cursor.delivered.0),
    };
    Ok(Json(marked).into_response())
}

fn named(path: &str) -> Result<ChannelName, Refusal> {
    channel_named(&decoded(path)?)
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Refusal> {
    percent_decode_str(text).decode_utf8().map_err(|_| bad("The address is not UTF-8."))
}
