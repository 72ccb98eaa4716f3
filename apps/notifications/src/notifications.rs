//! The application: what is said first on each route, and what each message leads to.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use app::{Action, App, Gateway, Message, Person, Post, Reach, Visitor};
use async_trait::async_trait;
use proto::{Act, ChannelName, Refusal};
use serde::Serialize;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    collaboration, endpoints,
    frame::{self, error, frame, reply},
    health,
    here::Here,
    notice::{self, Marked},
    place::Place,
    project::{self, Update},
    said::{self, Said},
    seed,
    store::{self, OpenError, Store},
    timestamp,
    user::{Role, User},
};

/// System N, on the routes `notifications`, `notifications-root`, `projects` (capturing `id`),
/// `collaboration` (capturing `room`) and `system-health`.
///
/// Those routes' join templates are `notifications:user:{user}`, `notifications:role:{claims.role}`
/// and
/// `notifications:all`; `project:{id}`; `collaboration:{room}`; `system-health`.
pub struct Notifications {
    data_dir: PathBuf,
    gateway: Arc<dyn Gateway>,
    store: Store,
    here: Here,
    /// Held from storing or reading until it is published, so that tabs are shown things in the
    /// order in which they were stored: a list replaces what a tab has, and one that was read
    /// before a notification came must not arrive after it.
    turn: Mutex<()>,
    people: Vec<Person>,
}

impl Notifications {
    /// Opens `<data_dir>/notifications.db`. With `seed`, an empty database gets users, projects and
    /// notifications to try things with.
    pub fn open(
        data_dir: &Path,
        gateway: Arc<dyn Gateway>,
        seed: bool,
    ) -> Result<Arc<Self>, OpenError> {
        let mut db = store::open(data_dir)?;
        let people = if seed {
            seed::plant(&mut db).and_then(|()| seed::people(&db)).map_err(|source| {
                OpenError::Database { path: data_dir.join("notifications.db"), source }
            })?
        } else {
            Vec::new()
        };
        let (data_dir, here) = (data_dir.to_owned(), Here::default());
        let (store, turn) = (Store::start(db)?, Mutex::default());
        Ok(Arc::new(Self { data_dir, gateway, store, here, turn, people }))
    }
}

#[async_trait]
impl App for Notifications {
    async fn admit(&self, visitor: &Visitor) -> Result<(), Refusal> {
        let place = Place::of(visitor)?;
        let user = self.user_of(visitor.identity.as_deref()).await?;
        self.admit_user(&user, &place).await
    }

    async fn connected(&self, visitor: &Visitor) -> Vec<Action> {
        self.here.came(visitor.user());
        self.greet(visitor).await.unwrap_or_else(|refusal| vec![refused(refusal)])
    }

    async fn message(&self, visitor: &Visitor, message: Message) -> Vec<Action> {
        self.answer(visitor, &message).await.unwrap_or_else(|refusal| vec![refused(refusal)])
    }

    async fn disconnected(&self, visitor: &Visitor) -> Vec<Action> {
        self.here.left(visitor.user());
        match Place::of(visitor) {
            // Also those who were removed: the others saw them come.
            Ok(Place::Room(room)) => match self.username(visitor).await {
                Some(username) => vec![collaboration::left(room, &username)],
                None => Vec::new(),
            },
            Ok(Place::Notifications | Place::Project { .. } | Place::Health) | Err(_) => Vec::new(),
        }
    }

    fn wording(&self, refusal: &Refusal) -> Option<String> {
        Some(error(refusal).to_string())
    }

    fn routes(self: Arc<Self>) -> axum::Router {
        endpoints::router(self)
    }

    fn people(&self) -> Vec<Person> {
        self.people.clone()
    }
}

impl Notifications {
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn gateway(&self) -> &dyn Gateway {
        &*self.gateway
    }

    /// The first frame: clients wait for it (C5).
    async fn greet(&self, visitor: &Visitor) -> Result<Vec<Action>, Refusal> {
        let user = self.user_of(visitor.identity.as_deref()).await?;
        match Place::of(visitor)? {
            Place::Notifications => {
                let mut actions = vec![reply(self.unread(&user).await?)];
                // The route's template joins by the token's role. A token that names none of ours,
                // as the older endpoint issues them, gets its user's.
                if visitor.claim("role").and_then(|it| Role::parse(&it)).is_none() {
                    actions.push(Action::Join(user.role.channel()));
                }
                Ok(actions)
            }
            Place::Project { id, .. } => Ok(vec![self.project_status(id).await?]),
            Place::Room(room) => Ok(vec![collaboration::joined(room, &user.username)]),
            Place::Health => Ok(vec![self.system_status().await?]),
        }
    }

    async fn answer(&self, visitor: &Visitor, message: &Message) -> Result<Vec<Action>, Refusal> {
        let said = Said::parse(message)?;
        let place = Place::of(visitor)?;
        let user = self.user_of(visitor.identity.as_deref()).await?;
        self.admit_user(&user, &place).await?;
        if let Some(beat) = beat(&said) {
            return Ok(vec![beat]);
        }
        match place {
            Place::Notifications => self.answer_reader(&user, &said).await,
            Place::Project { id, channel } => self.answer_project(&user, id, channel, &said).await,
            Place::Room(room) => Ok(vec![collaboration::passed_on(room, &user, &said)?]),
            Place::Health => Ok(vec![self.answer_health(&said).await?]),
        }
    }

    async fn answer_reader(&self, user: &User, said: &Said) -> Result<Vec<Action>, Refusal> {
        match said.action.as_str() {
            // A `userId` may come with it; everyone is shown their own.
            "get_notifications" => Ok(vec![reply(self.unread(user).await?)]),
            "mark_read" => {
                let id = said
                    .field(&["notification_id", "notificationId", "id"])
                    .and_then(said::number_of)
                    .ok_or_else(|| {
                        said::bad("mark_read needs the notification_id of a notification.")
                    })?;
                let marked = self.mark(user, vec![id], true).await?;
                if marked.found == 0 {
                    return Err(said::bad("You have no notification with this id."));
                }
                let list = self.unread(user).await?;
                let mut actions = vec![reply(list.clone())];
                // A lone tab has just been answered with the list.
                if 0 < marked.changed && self.has_tabs(user, 2).await {
                    let channel = user.channel();
                    actions.push(Action::Publish {
                        channel,
                        payload: list,
                        except: None,
                        event: None,
                        reach: Reach::Members,
                    });
                }
                Ok(actions)
            }
            _ => Err(said.unknown()),
        }
    }

    async fn answer_project(
        &self,
        user: &User,
        id: Option<i64>,
        channel: ChannelName,
        said: &Said,
    ) -> Result<Vec<Action>, Refusal> {
        match said.action.as_str() {
            "get_status" => Ok(vec![self.project_status(id).await?]),
            "update_milestone" => {
                project::may_update(user)?;
                let update = Update::parse(said)?;
                let milestone = self.store.ask(move |db| project::update(db, id, &update)).await?;
                let milestone = milestone
                    .ok_or_else(|| said::bad("This project has no milestone with this id."))?;
                Ok(vec![project::updated(channel, &milestone, user)])
            }
            _ => Err(said.unknown()),
        }
    }

    async fn answer_health(&self, said: &Said) -> Result<Action, Refusal> {
        match said.action.as_str() {
            "get_status" => self.system_status().await,
            "run_health_check" => {
                let answers = self.store.ask(|db| health::pending_projects(db)).await.is_ok();
                let outcome = health::check(answers, self.data_dir.clone()).await;
                Ok(reply(frame("health_check_result", outcome)))
            }
            _ => Err(said.unknown()),
        }
    }

    async fn project_status(&self, id: Option<i64>) -> Result<Action, Refusal> {
        let status = self.store.ask(move |db| project::status(db, id)).await?;
        Ok(reply(frame("project_status", status)))
    }

    async fn system_status(&self) -> Result<Action, Refusal> {
        let pending = self.store.ask(|db| health::pending_projects(db)).await?;
        Ok(reply(frame("system_status", health::status(self.here.users(), pending))))
    }

    /// The list frame of this user.
    async fn unread(&self, user: &User) -> Result<Arc<str>, Refusal> {
        let user = user.clone();
        let unread = self.store.ask(move |db| notice::unread(db, &user)).await?;
        Ok(frame("notifications_list", unread))
    }

    pub(crate) async fn mark(
        &self,
        user: &User,
        ids: Vec<i64>,
        read: bool,
    ) -> Result<Marked, Refusal> {
        let user = user.clone();
        self.store.ask(move |db| notice::mark(db, &user, &ids, read)).await
    }

    /// Shows a user's tabs what is left unread after a change over HTTP. Clients replace their list
    /// by it.
    ///
    /// Whoever asked may be a telephone or a tab that has given up its socket, so that a lone tab
    /// is told as well.
    pub(crate) async fn tell_tabs(&self, user: &User) {
        if !self.has_tabs(user, 1).await {
            return;
        }
        let _turn = self.turn().await;
        match self.unread(user).await {
            Ok(payload) => self.publish(user.channel(), payload, user).await,
            Err(refusal) => tracing::debug!(?refusal, "the other tabs were not told"),
        }
    }

    /// One's turn to publish what is stored.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// A publication that fails is logged, not raised: what it tells of is stored, and is in the
    /// next list its readers get.
    pub(crate) async fn publish(&self, channel: ChannelName, payload: Arc<str>, by: &User) {
        let (from, except, event, key) = (Some(by.id.clone()), None, None, None);
        let post = Post { channel, payload, from, except, event, key };
        if let Err(refusal) = self.gateway.publish(post).await {
            tracing::warn!(code = %refusal.code, "a notification was stored but not published");
        }
    }

    /// Does this user have as many tabs open, or does nobody know?
    async fn has_tabs(&self, user: &User, least: usize) -> bool {
        match self.gateway.describe(user.channel()).await {
            Ok(description) => least <= description.members,
            Err(_) => true,
        }
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// `ping` and `heartbeat` are answered everywhere (C9).
fn beat(said: &Said) -> Option<Action> {
    let kind = match said.action.as_str() {
        "ping" => "pong",
        "heartbeat" => "heartbeat_ack",
        _ => return None,
    };
    Some(reply(frame::text(&Beat { kind, timestamp: timestamp::iso() })))
}

#[derive(Serialize)]
struct Beat {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
}

/// Says no, and ends the connection where the code means that.
fn refused(refusal: Refusal) -> Action {
    match refusal.code.act() {
        Act::Tell => reply(error(&refusal)),
        Act::Close => Action::Close(refusal),
    }
}
