//! A notification someone asks to have sent, checked.

use proto::{Code, Refusal};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    notice::{KINDS, PRIORITIES, Recipient},
    said,
    user::{Role, User},
};

/// Everything about a notification but its id and time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Draft {
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) priority: &'static str,
    pub(crate) action_url: Option<String>,
    pub(crate) action_text: Option<String>,
    pub(crate) recipient: Recipient,
}

/// As a producer writes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Raw {
    title: String,
    message: String,
    #[serde(rename = "type", alias = "notification_type")]
    kind: Option<String>,
    priority: Option<String>,
    action_url: Option<String>,
    action_text: Option<String>,
    recipient_type: String,
    #[serde(default)]
    recipient_id: Value,
}

/// In characters. A toast shows a line of title and a few of text; a link is a link.
const TITLE_MAX: usize = 200;
const MESSAGE_MAX: usize = 2000;
const URL_MAX: usize = 500;
const ACTION_TEXT_MAX: usize = 100;

impl Draft {
    pub(crate) fn parse(raw: Raw) -> Result<Self, Refusal> {
        let recipient = recipient(&raw.recipient_type, &raw.recipient_id)?;
        Ok(Self {
            title: within(raw.title, TITLE_MAX, "title")?,
            message: within(raw.message, MESSAGE_MAX, "message")?,
            kind: one_of(raw.kind.as_deref().unwrap_or("info"), &KINDS, "type")?,
            priority: one_of(raw.priority.as_deref().unwrap_or("medium"), &PRIORITIES, "priority")?,
            action_url: link(raw.action_url)?,
            action_text: optional(raw.action_text, ACTION_TEXT_MAX, "action_text")?,
            recipient,
        })
    }

    /// May this user send it? Those who administer write to anyone; an advisor to one user or to
    /// all students; a student to nobody.
    pub(crate) fn may_send(&self, user: &User) -> Result<(), Refusal> {
        let allowed = match user.role {
            Role::Admin | Role::DepartmentAdmin => true,
            Role::Advisor => match self.recipient {
                Recipient::User(_) => true,
                Recipient::Role(role) => role == Role::Student,
                Recipient::Everyone => false,
            },
            Role::Student => false,
        };
        let refusal = Refusal::new(Code::Denied).saying("You may not send this to them.");
        if allowed { Ok(()) } else { Err(refusal) }
    }

    /// Everyone, a role, and a user who was not removed. One who has never been here finds it in
    /// their list when they come: who exists is the tokens' issuer's to say.
    pub(crate) fn may_arrive(&self, db: &Connection) -> rusqlite::Result<bool> {
        match &self.recipient {
            Recipient::User(id) => Ok(User::find(db, id)?.is_none_or(|it| it.is_active)),
            Recipient::Role(_) | Recipient::Everyone => Ok(true),
        }
    }
}

fn recipient(kind: &str, id: &Value) -> Result<Recipient, Refusal> {
    match kind {
        "user" => said::user_of(id)
            .map(Recipient::User)
            .ok_or_else(|| said::bad("recipient_id: give the user's id.")),
        "role" => id.as_str().and_then(Role::parse).map(Recipient::Role).ok_or_else(|| {
            said::bad("recipient_id: give one of Admin, DepartmentAdmin, Advisor, Student.")
        }),
        "all" => Ok(Recipient::Everyone),
        _ => Err(said::bad("recipient_type: give one of user, role, all.")),
    }
}

fn within(text: String, most: usize, field: &str) -> Result<String, Refusal> {
    let fault = match text.chars().count() {
        _ if text.trim().is_empty() => format!("{field}: must not be empty."),
        count if most < count => format!("{field}: at most {most} characters."),
        _ => return Ok(text),
    };
    Err(Refusal::new(Code::BadCommand).saying(fault))
}

fn optional(text: Option<String>, most: usize, field: &str) -> Result<Option<String>, Refusal> {
    text.filter(|it| !it.is_empty()).map(|it| within(it, most, field)).transpose()
}

fn one_of(
    text: &str,
    allowed: &'static [&'static str],
    field: &str,
) -> Result<&'static str, Refusal> {
    allowed.iter().copied().find(|it| *it == text).ok_or_else(|| {
        let fault = format!("{field}: give one of {}.", allowed.join(", "));
        Refusal::new(Code::BadCommand).saying(fault)
    })
}

/// A link is followed by whoever is notified, so it is a path of this site or plain http(s): never
/// `javascript:`, and not `//elsewhere`, which only looks like a path (threat D2).
fn link(url: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(url) = optional(url, URL_MAX, "action_url")? else { return Ok(None) };
    let is_path = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
    let is_address = url.starts_with("https://") || url.starts_with("http://");
    if (is_path || is_address) && !url.chars().any(|it| it.is_control() || it == ' ') {
        return Ok(Some(url));
    }
    Err(said::bad("action_url: give a path that begins with / or an http(s) address."))
}
