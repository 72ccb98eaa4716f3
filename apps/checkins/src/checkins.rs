//! The application: who may connect, what they may say, and what comes of it.

use std::{fmt, path::Path, sync::Arc};

use app::{Action, App, Gateway, Message, Person, Reach, Visitor};
use async_trait::async_trait;
use proto::{ChannelName, Code, Identity, Refusal, UserId};
use tracing::error;

use crate::{
    absence, api,
    book::{Book, BookError, OpenError},
    changes::{self, Change},
    check_in::{self, Direction},
    dashboards::{Dashboards, Greeting},
    frames,
    heard::{self, Arrival, Departure, Heard},
    moment::{Clock, Moment},
    news::News,
    not_done::NotDone,
    seed,
    shown::Shown,
    stated::{Standing, Stated},
    stats,
    user::{self, User},
};

/// The check-ins of one gym. Every route of it joins the one channel `checkins` (R42).
pub struct Checkins {
    pub(crate) book: Book,
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) news: News,
    pub(crate) clock: Clock,
    pub(crate) dashboards: Dashboards,
    shown: Shown,
    channel: ChannelName,
    people: Vec<Person>,
}

impl Checkins {
    /// Opens `<data_dir>/checkins.db`, making it where it is missing.
    ///
    /// With `seed`, an empty database gets the people and visits of a small gym, and its users can
    /// be signed in as.
    pub fn open(
        data_dir: &Path,
        gateway: Arc<dyn Gateway>,
        seed: bool,
    ) -> Result<Arc<Self>, OpenError> {
        Self::open_by(data_dir, gateway, seed, Arc::new(Moment::now))
    }

    pub(crate) fn open_by(
        data_dir: &Path,
        gateway: Arc<dyn Gateway>,
        seed: bool,
        clock: Clock,
    ) -> Result<Arc<Self>, OpenError> {
        let (book, (people, newest, away)) = Book::open(data_dir, |db| {
            let mut people = Vec::new();
            if seed {
                seed::plant(db, clock())?;
                people = seed::people(db)?;
            }
            Ok((people, changes::newest(db)?, absence::all_begin(db)?))
        })?;
        let shown = Shown::up_to(newest);
        let dashboards = Dashboards::new(book.clone(), shown.clone(), &away);
        let channel = ChannelName::parse("checkins").expect("eight letters are a channel's name");
        let (pen, voice) = (book.clone(), gateway.clone());
        let news = News::new(pen, voice, channel.clone(), clock.clone(), shown.clone());
        Ok(Arc::new(Self { book, gateway, news, clock, dashboards, shown, channel, people }))
    }
}

#[async_trait]
impl App for Checkins {
    /// The token was checked by the gateway, and whom it names we know or get to know; unless they
    /// were removed (R6).
    async fn admit(&self, visitor: &Visitor) -> Result<(), Refusal> {
        self.user(visitor.identity.as_deref()).await.map(drop)
    }

    async fn connected(&self, visitor: &Visitor) -> Vec<Action> {
        // Removed since they were admitted, while there was no connection yet to end?
        match self.user(visitor.identity.as_deref()).await {
            Err(refusal) if refusal.code == Code::AuthFailed => vec![Action::Close(refusal)],
            Ok(_) | Err(_) => self.greet(visitor).await,
        }
    }

    async fn message(&self, visitor: &Visitor, message: Message) -> Vec<Action> {
        let Message::Text(text) = message else {
            return vec![Action::Close(Code::UnsupportedData.into())];
        };
        let said = match heard::parse(&text) {
            Ok(said) => said,
            Err(refusal) => return vec![reply(frames::error(&refusal))],
        };
        let is_beat = said.iter().any(|it| matches!(it, Heard::Heartbeat | Heard::Ping));
        self.dashboards.heard(visitor, is_beat);
        let mut actions = Vec::new();
        for it in said {
            self.answer(visitor, it, &mut actions).await;
        }
        actions
    }

    async fn disconnected(&self, visitor: &Visitor) -> Vec<Action> {
        self.dashboards.close(visitor).await;
        Vec::new()
    }

    fn wording(&self, refusal: &Refusal) -> Option<String> {
        Some(frames::error(refusal).to_string())
    }

    fn routes(self: Arc<Self>) -> axum::Router {
        api::routes(self)
    }

    fn people(&self) -> Vec<Person> {
        self.people.clone()
    }
}

impl Checkins {
    async fn answer(&self, visitor: &Visitor, said: Heard, actions: &mut Vec<Action>) {
        let by = user::id(visitor.identity.as_deref());
        match said {
            Heard::CheckIn(arrival) => {
                self.tell(Direction::In, self.check_in(by, arrival).await, actions);
            }
            Heard::CheckOut(departure) => {
                self.tell(Direction::Out, self.check_out(by, departure).await, actions);
            }
            Heard::Heartbeat => actions.push(reply(frames::heartbeat_ack((self.clock)()))),
            Heard::Ping => actions.push(reply(frames::pong((self.clock)()))),
            Heard::Reconnect => actions.push(self.initial_stats().await),
            Heard::Authenticate => actions.push(reply(frames::error(
                &Refusal::new(Code::UnknownCommand)
                    .saying("Message-based authentication not supported. Use URL token."),
            ))),
            Heard::Unknown(kind) => actions.push(reply(frames::error(
                &Refusal::new(Code::UnknownCommand)
                    .saying(format!("There is no message of type {kind:?} here.")),
            ))),
        }
    }

    /// The sender first, then everyone; the rest is [`News`].
    fn tell(&self, direction: Direction, done: Result<Change, NotDone>, actions: &mut Vec<Action>) {
        match done {
            Ok(change) => {
                actions.push(reply(frames::success(direction, &change.check_in)));
                actions.push(Action::Publish {
                    channel: self.channel.clone(),
                    payload: frames::announcement(direction, &change.check_in),
                    except: None,
                    event: None,
                    reach: Reach::Members,
                });
                self.news.tell(change);
            }
            Err(why) => {
                actions.push(reply(frames::not_done(direction, &why)));
                if why == NotDone::UserGone {
                    actions.push(Action::Close(Code::AuthFailed.into()));
                }
            }
        }
    }

    /// Checks a member in for the user `by`. Committed when this returns a change.
    pub(crate) async fn check_in(
        &self,
        by: Option<UserId>,
        arrival: Result<Arrival, NotDone>,
    ) -> Result<Change, NotDone> {
        let (by, arrival) = (by.ok_or(NotDone::UserGone)?, arrival?);
        let now = (self.clock)();
        self.change(Direction::In, move |db| check_in::check_in(db, &by, &arrival, now)).await
    }

    /// Ends a visit for the user `by`. Committed when this returns a change.
    pub(crate) async fn check_out(
        &self,
        by: Option<UserId>,
        departure: Result<Departure, NotDone>,
    ) -> Result<Change, NotDone> {
        let (by, departure) = (by.ok_or(NotDone::UserGone)?, departure?);
        let now = (self.clock)();
        self.change(Direction::Out, move |db| check_in::check_out(db, &by, &departure, now)).await
    }

    async fn change<W>(&self, direction: Direction, work: W) -> Result<Change, NotDone>
    where
        W: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<Result<Change, NotDone>>
            + Send
            + 'static,
    {
        let shown = self.shown.clone();
        let work = move |db: &mut rusqlite::Connection| {
            let done = work(db)?;
            if let Ok(change) = &done {
                shown.committed(change.seq);
            }
            Ok(done)
        };
        self.book.ask(work).await.unwrap_or_else(|failure| {
            let during = direction.noun();
            error!(error = &failure as &dyn std::error::Error, "{during} failed");
            Err(NotDone::Failed { during })
        })
    }

    /// The stats, and then what was missed by whoever was here a moment ago.
    async fn greet(&self, visitor: &Visitor) -> Vec<Action> {
        match self.dashboards.open(visitor, (self.clock)()).await {
            Ok(Greeting { stats, missed }) => {
                let again = frames::told_again(&missed, &stats, |seq| self.shown.has_updated(seq));
                let first = frames::initial_stats(&stats);
                std::iter::once(first).chain(again).map(reply).collect()
            }
            Err(failure) => vec![no_stats(&failure)],
        }
    }

    async fn initial_stats(&self) -> Action {
        let now = (self.clock)();
        match self.book.ask(move |db| stats::read(db, now)).await {
            Ok(stats) => reply(frames::initial_stats(&stats)),
            Err(failure) => no_stats(&failure),
        }
    }

    /// The user whom a verified token named, remembered from now on.
    pub(crate) async fn user(&self, identity: Option<&Identity>) -> Result<User, Refusal> {
        let claimed = identity.and_then(Stated::parse).ok_or(Code::AuthFailed)?;
        match self.book.ask(move |db| claimed.settle(db)).await {
            Ok(Standing::Known(user)) => Ok(user),
            Ok(Standing::Outdated) => Err(failed("Your role has changed. Sign in again.")),
            Ok(Standing::Removed) => Err(failed(REMOVED)),
            Err(failure) => {
                error!(error = &failure as &dyn std::error::Error, "no answer who user is");
                Err(Code::AuthUnavailable.into())
            }
        }
    }
}

/// Why a connection ends whose user was removed.
pub(crate) const REMOVED: &str = "This user was removed.";

pub(crate) fn failed(sentence: &'static str) -> Refusal {
    Refusal::new(Code::AuthFailed).saying(sentence)
}

/// The world failed; the sentence says at what.
pub(crate) fn no_answer(sentence: &'static str) -> Refusal {
    Refusal::new(Code::AppFailed).saying(sentence)
}

fn no_stats(failure: &BookError) -> Action {
    error!(error = failure as &dyn std::error::Error, "no stats for a connection");
    reply(frames::error(&no_answer("Failed to load initial statistics")))
}

fn reply(payload: Arc<str>) -> Action {
    Action::Reply(Message::Text(payload))
}

impl fmt::Debug for Checkins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkins").field("book", &self.book).finish_non_exhaustive()
    }
}
