//! The application: what sockets say goes to the book, what comes of it to the gateway.

use std::{
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};

use app::{Action, App, Gateway, Message, Person, Post, Reach, ReplyId, Values, Visitor};
use async_trait::async_trait;
use proto::{ChannelName, Code, Identity, Refusal};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    access::{self, failed},
    desk::{Desk, Room, now},
    endpoints,
    outcome::failure,
    seats::{self, From},
    seed,
    store::OpenError,
    users::User,
};

/// System C, on a route named `chat` that speaks Socket.IO. The route needs no `joins`.
#[derive(Debug)]
pub struct Chat {
    desk: Desk,
    gateway: Door,
    people: Vec<Person>,
}

/// The gateway, which has no form to print.
struct Door(Arc<dyn Gateway>);

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Chat {
    /// Opens `<data_dir>/chat.db`. With `seed`, an empty database gets people and channels to try
    /// things with. Runs inside the runtime, on which it ends what people have begun to type.
    pub fn open(
        data_dir: &Path,
        gateway: Arc<dyn Gateway>,
        seed: bool,
    ) -> Result<Arc<Self>, OpenError> {
        let mut people = Vec::new();
        if seed {
            seed::plant(data_dir)?;
            people = seed::people();
        }
        let (desk, due) = Desk::open(data_dir)?;
        let chat = Arc::new(Self { desk, gateway: Door(gateway), people });
        tokio::spawn(keep_waking(Arc::downgrade(&chat), due));
        Ok(chat)
    }

    pub(crate) fn gateway(&self) -> &dyn Gateway {
        &*self.gateway.0
    }

    pub(crate) const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The user a verified token names, remembered from now on, if they were not removed.
    pub(crate) async fn user_of(&self, identity: Option<&Identity>) -> Result<User, Refusal> {
        let user = access::user_of(identity.ok_or(Code::AuthRequired)?).ok_or_else(|| {
            failed("A user's id is of letters, digits and _ . @ - here, at most 128 of them.")
        })?;
        let met = user.clone();
        match self.desk.ask(move |room| room.book.meet(&met)).await? {
            true => Ok(user),
            false => Err(access::removed()),
        }
    }

    /// An event that came over HTTP: nobody to reply to, everybody else to tell.
    pub(crate) async fn obey(
        &self,
        user: &User,
        event: &'static str,
        value: Value,
    ) -> Result<Value, Refusal> {
        let user = user.clone();
        let obey = move |room: &mut Room| {
            let outcome = room.book.handle(now(), &user, event, &[value])?;
            let ack = outcome.ack.clone();
            Ok((ack, room.seats.carry_out(&user.id, From::Elsewhere, outcome)))
        };
        let (ack, actions) = self.desk.ask(obey).await?;
        self.publish(actions).await;
        Ok(ack)
    }

    /// A publication that fails is logged, not raised: what it tells of is stored.
    async fn publish(&self, actions: Vec<Action>) {
        for action in actions {
            let Action::Publish { channel, payload, except, event, reach } = action else {
                continue;
            };
            let post = Post { channel, payload, from: None, except, event, key: None };
            let told = match reach {
                Reach::Members => self.gateway().publish(post).await.map(drop),
                Reach::Present | Reach::Others => self.gateway().signal(post).await,
            };
            if let Err(refusal) = told {
                tracing::warn!(code = %refusal.code, "something in the chat was not published");
            }
        }
    }

    async fn answer(
        &self,
        visitor: &Visitor,
        name: &str,
        values: &Values,
    ) -> Result<(Value, Vec<Action>), Refusal> {
        let Some(user) = visitor.identity.as_deref().and_then(access::user_of) else {
            return Err(Code::AuthRequired.into());
        };
        let Ok(args) = serde_json::from_str::<Vec<Value>>(&values.json) else {
            return Err(Refusal::new(Code::BadCommand).saying("This is nested too deeply."));
        };
        let name = name.to_owned();
        let handle = move |room: &mut Room| {
            let outcome = room.book.handle(now(), &user, &name, &args)?;
            let ack = outcome.ack.clone();
            Ok((ack, room.seats.carry_out(&user.id, From::Socket, outcome)))
        };
        self.desk.ask(handle).await
    }
}

/// In which of these channels of the gateway's a socket may go on, if it can.
fn returns_to(
    room: &Room,
    user: &str,
    channels: Vec<ChannelName>,
) -> rusqlite::Result<Option<Vec<ChannelName>>> {
    let rooms: Vec<_> = channels.iter().filter_map(seats::room_of).collect();
    let (allowed, theirs) = room.book.may_return(user, &rooms)?;
    Ok(room.seats.returned(user, channels, &allowed, &theirs))
}

#[async_trait]
impl App for Chat {
    async fn admit(&self, visitor: &Visitor) -> Result<(), Refusal> {
        access::agrees(visitor)?;
        self.user_of(visitor.identity.as_deref()).await.map(drop)
    }

    async fn returned(
        &self,
        visitor: &Visitor,
        channels: Vec<ChannelName>,
    ) -> Option<Vec<ChannelName>> {
        let user = visitor.identity.as_deref().and_then(access::user_of)?;
        let look = move |room: &mut Room| returns_to(room, &user.id, channels);
        // Whoever cannot be looked up begins anew, and hears then what is the matter.
        self.desk.ask(look).await.ok().flatten()
    }

    async fn connected(&self, visitor: &Visitor) -> Vec<Action> {
        let Some(user) = visitor.identity.as_deref().and_then(access::user_of) else {
            return vec![Action::Close(Code::AuthRequired.into())];
        };
        let recovered = visitor.recovered.clone();
        let come = move |room: &mut Room| {
            // First, so that whoever goes again has been counted, whatever fails.
            let mut actions = Vec::from(room.seats.came(&user.id));
            let Some(outcome) = room.book.connected(now(), &user, recovered.is_some())? else {
                return Ok(vec![Action::Close(access::removed())]);
            };
            if let Some(rooms) = &recovered {
                // Something may have changed since it was asked; then it has to come back.
                let still = returns_to(room, &user.id, rooms.to_vec())?;
                if still.is_none_or(|it| it.len() < rooms.len()) {
                    return Ok(vec![Action::Close(Code::Busy.into())]);
                }
                room.seats.took(&user.id, rooms);
            }
            actions.extend(room.seats.carry_out(&user.id, From::Socket, outcome));
            Ok(actions)
        };
        self.desk.insist(come).await.unwrap_or_else(|refusal| {
            let told = json!({ "error": refusal.message(), "message": refusal.message(),
                               "reason": "connection_error", "reconnectAttempt": 0 });
            vec![seats::reply("connection:error", &told), Action::Close(Code::Busy.into())]
        })
    }

    async fn message(&self, visitor: &Visitor, message: Message) -> Vec<Action> {
        let (name, values, reply) = match message {
            Message::Event { name, values, reply } => (name, values, reply),
            // The chat asks nothing of its clients.
            Message::Answer { .. } => return Vec::new(),
            Message::Text(_) | Message::Binary(_) => {
                return vec![faulty("Send events.", Code::BadCommand)];
            }
        };
        match self.answer(visitor, &name, &values).await {
            Ok((ack, mut actions)) => {
                actions.extend(answered(reply, &ack));
                actions
            }
            Err(refusal) => {
                let mut actions = Vec::from([faulty(refusal.message(), refusal.code)]);
                actions.extend(reply.map(|it| acknowledge(it, &failure(refusal.message()))));
                actions
            }
        }
    }

    async fn disconnected(&self, visitor: &Visitor) -> Vec<Action> {
        let Some(user) = visitor.identity.as_deref().and_then(access::user_of) else {
            return Vec::new();
        };
        let go = move |room: &mut Room| {
            let outcome = room.book.disconnected(now(), &user);
            let actions = outcome.map(|it| room.seats.carry_out(&user.id, From::Elsewhere, it));
            room.seats.left(&user.id);
            actions
        };
        self.desk.insist(go).await.unwrap_or_default()
    }

    /// `error`, in which one version of the client looks for `message` and another for `status`.
    fn exception(&self, refusal: &Refusal) -> Option<(Arc<str>, Values)> {
        let told = fault(refusal.message(), refusal.code);
        Some(("error".into(), Values::new(format!("[{told}]"))))
    }

    fn failure(&self, refusal: &Refusal) -> Option<Values> {
        let mut told = failure(refusal.message());
        told["code"] = refusal.code.as_str().into();
        Some(Values::new(format!("[{told}]")))
    }

    fn routes(self: Arc<Self>) -> axum::Router {
        endpoints::router(self)
    }

    fn people(&self) -> Vec<Person> {
        self.people.clone()
    }
}

/// Whoever does not wait for an answer hears of a failure all the same.
fn answered(reply: Option<ReplyId>, ack: &Value) -> Option<Action> {
    match (reply, ack["error"].as_str()) {
        (Some(reply), _) => Some(acknowledge(reply, ack)),
        (None, Some(error)) => Some(faulty(error, Code::BadCommand)),
        (None, None) => None,
    }
}

fn acknowledge(reply: ReplyId, ack: &Value) -> Action {
    Action::Acknowledge { reply, values: Values::new(format!("[{ack}]")) }
}

fn faulty(message: &str, code: Code) -> Action {
    seats::reply("error", &fault(message, code))
}

fn fault(message: &str, code: Code) -> Value {
    json!({ "status": "error", "message": message, "code": code.as_str() })
}

/// Ends what is over by itself, when it is. Ends itself with the chat.
async fn keep_waking(chat: Weak<Chat>, mut due: watch::Receiver<Option<i64>>) {
    loop {
        let wait = due.borrow_and_update().map(|it| it.saturating_sub(now()));
        let passed = async {
            match wait {
                Some(wait) => {
                    let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
                    tokio::time::sleep(wait).await;
                }
                None => std::future::pending().await,
            }
        };
        let is_due = tokio::select! {
            changed = due.changed() => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
            () = passed => true,
        };
        if is_due {
            let Some(chat) = chat.upgrade() else { return };
            let wake = |room: &mut Room| {
                let over = room.book.wake(now());
                Ok(room.seats.tell_all(over))
            };
            if let Ok(actions) = chat.desk.insist(wake).await {
                chat.publish(actions).await;
            }
        }
    }
}
