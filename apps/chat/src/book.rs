//! All that the chat knows, and what each event does to it.

use std::path::Path;

use rusqlite::{Connection, Transaction};
use serde_json::{Value, json};

use crate::{
    channels,
    command::{Command, OfChannels, OfMessages},
    drafts, invitations, messages, offline,
    outcome::{Audience, Emit, Move, Outcome, Room, failure, success},
    presence::{self, Here},
    reactions, receipts, said,
    stop::Stop,
    store::{self, OpenError},
    threads,
    timestamp::iso,
    turn::Turn,
    typing::{self, Typing},
    users::{self, User},
};

/// One chat.
///
/// Times are milliseconds since 1970. What fails is the database, and then nothing has changed.
#[derive(Debug)]
pub struct Book {
    db: Connection,
    here: Here,
    typing: Typing,
}

impl Book {
    /// Opens or creates `<data_dir>/chat.db`.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        let db = store::open(data_dir)?;
        Ok(Self { db, here: Here::default(), typing: Typing::default() })
    }

    /// Somebody shows a token: remembered from now on. Answers whether they may be here.
    pub(crate) fn meet(&mut self, user: &User) -> rusqlite::Result<bool> {
        store::unsynced(&mut self.db, |db| {
            if users::is_active(db, &user.id)? == Some(false) {
                return Ok(false);
            }
            users::remember(db, user).map(|()| true)
        })
    }

    /// Removes a user, whatever their tokens say, or takes them back. Answers whether there is one.
    pub(crate) fn set_active(&mut self, id: &str, is_active: bool) -> rusqlite::Result<bool> {
        users::set_active(&self.db, id, is_active)
    }

    /// Whether anybody has ever been here.
    pub(crate) fn is_inhabited(&self) -> rusqlite::Result<bool> {
        self.db.query_row("SELECT EXISTS (SELECT 1 FROM users)", (), |row| row.get(0))
    }

    /// What is only read: over HTTP, where no event is.
    pub(crate) const fn reading(&self) -> (&Connection, &Here) {
        (&self.db, &self.here)
    }

    /// A socket comes back that sat in these rooms. In which of them it may sit, and the rooms of
    /// all its user's channels.
    pub(crate) fn may_return(
        &self,
        user: &str,
        rooms: &[Room],
    ) -> rusqlite::Result<(Vec<Room>, Vec<Room>)> {
        let channels = channels::of_user(&self.db, user)?;
        let is_theirs = |id: i64| channels.iter().any(|it| it.id == id);
        let mut allowed = Vec::new();
        for room in rooms {
            let channel = match *room {
                Room::Channel(id) => Some(id),
                Room::Thread(id) => threads::channel_of(&self.db, id)?,
            };
            allowed.extend(channel.filter(|it| is_theirs(*it)).map(|_| *room));
        }
        Ok((allowed, channels.iter().map(|it| Room::Channel(it.id)).collect()))
    }

    /// A socket came. It joins the rooms of its user's channels, and is told which they are, and
    /// what its user has missed, unless it has `recovered` that. `None` if its user was removed
    /// since they showed their token.
    ///
    /// Whatever comes of it, it is here until it has gone ([`Book::disconnected`]).
    pub fn connected(
        &mut self,
        now: i64,
        user: &User,
        recovered: bool,
    ) -> rusqlite::Result<Option<Outcome>> {
        let is_first = self.here.came(&user.id);
        let greeted = self.passing(now, user, |turn| {
            if users::is_active(turn.db, &user.id)? == Some(false) {
                return Err(Stop::Refused("This user was removed"));
            }
            users::remember(turn.db, user)?;
            users::see(turn.db, user, now)?;
            greet(turn)?;
            if !recovered {
                offline::hand_over(turn)?;
            }
            if is_first {
                presence::tell(turn, true);
            }
            Ok(Value::Null)
        });
        Ok(greeted?.ok())
    }

    /// A socket went. Goes with each [`Book::connected`].
    pub fn disconnected(&mut self, now: i64, user: &User) -> rusqlite::Result<Outcome> {
        let was_last = self.here.left(&user.id);
        self.passing(now, user, |turn| {
            if was_last {
                users::see(turn.db, user, now)?;
                typing::stop(turn);
                presence::tell(turn, false);
            }
            Ok(Value::Null)
        })
        .map(|it| it.expect("nobody is kept who goes"))
    }

    /// A socket said something: the name of an event, and its values.
    pub fn handle(
        &mut self,
        now: i64,
        user: &User,
        event: &str,
        args: &[Value],
    ) -> rusqlite::Result<Outcome> {
        let command = match said::parse(event, args) {
            Ok(command) => command,
            Err(said::Unclear(error)) => return Ok(refused(event, error, args)),
        };
        let is_passing = command.is_passing();
        let decide = |turn: &mut Turn<'_>| {
            if !users::is_known(turn.db, &user.id)? {
                return Err(Stop::Refused("User not authenticated"));
            }
            match command {
                Command::Messages(command) => obey_about_messages(turn, command),
                Command::Channels(command) => obey_about_channels(turn, command),
            }
        };
        let decided = if is_passing {
            self.passing(now, user, decide)?
        } else {
            self.turn(now, user, decide)?
        };
        Ok(decided.unwrap_or_else(|error| refused(event, error, args)))
    }

    /// When [`Book::wake`] is due.
    #[must_use]
    pub fn wakes_at(&self) -> Option<i64> {
        self.typing.wakes_at()
    }

    /// Ends what is over by itself, and says who is to hear of it.
    pub fn wake(&mut self, now: i64) -> Vec<Emit> {
        self.typing.wake(now)
    }

    /// Decides one event in one transaction.
    fn turn(
        &mut self,
        now: i64,
        user: &User,
        decide: impl FnOnce(&mut Turn<'_>) -> Result<Value, Stop>,
    ) -> rusqlite::Result<Result<Outcome, &'static str>> {
        turn(&mut self.db, (&mut self.here, &mut self.typing), now, user, decide)
    }

    /// The same for what need not outlast a loss of power.
    fn passing(
        &mut self,
        now: i64,
        user: &User,
        decide: impl FnOnce(&mut Turn<'_>) -> Result<Value, Stop>,
    ) -> rusqlite::Result<Result<Outcome, &'static str>> {
        let fleeting = (&mut self.here, &mut self.typing);
        store::unsynced(&mut self.db, |db| turn(db, fleeting, now, user, decide))
    }
}

fn turn(
    db: &mut Connection,
    (here, typing): (&mut Here, &mut Typing),
    now: i64,
    user: &User,
    decide: impl FnOnce(&mut Turn<'_>) -> Result<Value, Stop>,
) -> rusqlite::Result<Result<Outcome, &'static str>> {
    let db: Transaction<'_> = db.transaction()?;
    let (moves, emits) = (Vec::new(), Vec::new());
    let mut turn = Turn { db: &db, now, user, here, typing, moves, emits };
    let decided = decide(&mut turn);
    let (moves, emits) = (turn.moves, turn.emits);
    match decided {
        Ok(data) => {
            db.commit()?;
            Ok(Ok(Outcome { ack: success(data), moves, emits }))
        }
        Err(Stop::Refused(error)) => Ok(Err(error)),
        Err(Stop::Failed(fault)) => Err(fault),
    }
}

/// Under the names of two eras: the later one is told of a beginning, and waits until it is ready.
fn greet(turn: &mut Turn<'_>) -> Result<(), Stop> {
    let channels = channels::of_user(turn.db, &turn.user.id)?;
    let ids: Vec<String> = channels.iter().map(|it| it.id.to_string()).collect();
    turn.moves.extend(channels.iter().map(|it| Move::Join(Room::Channel(it.id))));
    turn.tell(Audience::Sender, "connection:starting", json!({ "userId": turn.user.id }));
    let mut told = json!({ "userId": turn.user.id, "channels": ids });
    turn.tell(Audience::Sender, "connection:success", told.clone());
    told["timestamp"] = iso(turn.now).into();
    turn.tell(Audience::Sender, "connection:ready", told);
    Ok(())
}

/// Whoever sends something waits for word of it besides the answer.
fn refused(event: &str, error: &str, args: &[Value]) -> Outcome {
    let said = |name| args.first().and_then(|it| it.get(name)).cloned();
    let mut told =
        json!({ "error": error, "tempId": said("tempId"), "status": "FAILED", "processed": true });
    let failed = if said::is_sending(event) {
        Some("message:failed")
    } else if event == "thread:reply" {
        told["threadId"] = said("threadId").unwrap_or(Value::Null);
        Some("thread:reply:failed")
    } else {
        None
    };
    let emits = failed.map(|event| Emit { to: Audience::Sender, event, payload: told });
    Outcome { ack: failure(error), moves: Vec::new(), emits: emits.into_iter().collect() }
}

fn obey_about_messages(turn: &mut Turn<'_>, command: OfMessages) -> Result<Value, Stop> {
    match command {
        OfMessages::Send { channel, content, temp_id } => {
            messages::send(turn, channel, &content, temp_id.as_deref())
        }
        OfMessages::Reply { thread, content, temp_id } => {
            threads::reply(turn, thread, &content, temp_id.as_deref())
        }
        OfMessages::Edit { message, content } => messages::edit(turn, message, &content),
        OfMessages::Delete { message } => messages::delete(turn, message),
        OfMessages::EnterThread { thread } => threads::enter(turn, thread),
        OfMessages::ExitThread { thread } => threads::exit(turn, thread),
        OfMessages::React { message, kind } => reactions::add(turn, message, &kind),
        OfMessages::Unreact { message, kind } => reactions::remove(turn, message, &kind),
        OfMessages::Receive { message } => receipts::receive(turn, message),
        OfMessages::Read { message } => receipts::read(turn, message),
        OfMessages::Noted => Ok(Value::Null),
        OfMessages::Status { message } => receipts::of(turn, message),
        OfMessages::OfflineCount => receipts::offline_count(turn),
    }
}

fn obey_about_channels(turn: &mut Turn<'_>, command: OfChannels) -> Result<Value, Stop> {
    match command {
        OfChannels::Enter { channel } => channels::enter(turn, channel),
        OfChannels::Exit { channel } => channels::exit(turn, channel),
        OfChannels::Create { draft } => channels::create(turn, &draft),
        OfChannels::Announce { channel } => channels::announce(turn, channel),
        OfChannels::Update { channel, name, description } => {
            channels::update(turn, channel, name.as_deref(), description.as_deref())
        }
        OfChannels::Promote { channel, user, role } => {
            channels::promote(turn, channel, &user, role)
        }
        OfChannels::List => channels::list(turn),
        OfChannels::Invite { channel, user } => invitations::send(turn, channel, &user),
        OfChannels::Respond { invitation, is_accepted } => {
            invitations::respond(turn, invitation, is_accepted)
        }
        OfChannels::Type { channel, is_typing } => typing::set(turn, channel, is_typing),
        OfChannels::WhoTypes { channel } => typing::who(turn, channel),
        OfChannels::Online => presence::online(turn),
        OfChannels::Draft { channel, content, device, written_at } => {
            drafts::sync(turn, channel, &content, &device, written_at)
        }
        OfChannels::Scroll { position } => Ok(drafts::scroll(turn, &position)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that an event did stays when the database fails in the middle of it.
    #[test]
    fn a_failure_takes_everything_back() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        let mut book = Book { db, here: Here::default(), typing: Typing::default() };
        let user = User { id: "ann".to_owned(), name: "Ann".to_owned(), image_url: None };
        book.connected(0, &user, false).unwrap();
        let made = |book: &Book| {
            let sql = "SELECT COUNT(*) FROM channels";
            book.db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap()
        };
        let trigger = "CREATE TRIGGER full BEFORE INSERT ON members
                       BEGIN SELECT RAISE(ABORT, 'disk full'); END";
        book.db.execute_batch(trigger).unwrap();
        book.handle(0, &user, "channel:create", &[json!({ "name": "den" })]).unwrap_err();
        assert_eq!(made(&book), 0);
        book.db.execute_batch("DROP TRIGGER full").unwrap();
        let outcome = book.handle(0, &user, "channel:create", &[json!({ "name": "den" })]);
        assert_eq!(outcome.unwrap().ack["success"], true);
        assert_eq!(made(&book), 1);
    }

    #[test]
    fn whoever_failed_to_come_is_here_until_they_go() {
        let mut book = Book {
            db: Connection::open_in_memory().unwrap(),
            here: Here::default(),
            typing: Typing::default(),
        };
        let user = User { id: "ann".to_owned(), name: "Ann".to_owned(), image_url: None };
        book.connected(0, &user, false).unwrap_err();
        assert_eq!(book.here.users().count(), 1);
        book.disconnected(0, &user).unwrap_err();
        assert_eq!(book.here.users().count(), 0);
    }

    #[test]
    fn whoever_was_removed_on_their_way_in_is_not_greeted() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        let mut book = Book { db, here: Here::default(), typing: Typing::default() };
        let user = User { id: "ann".to_owned(), name: "Ann".to_owned(), image_url: None };
        assert!(book.meet(&user).unwrap());
        assert!(book.set_active("ann", false).unwrap());
        assert_eq!(book.connected(0, &user, false).unwrap(), None);
        book.disconnected(0, &user).unwrap();
        assert_eq!(book.here.users().count(), 0);
        assert!(book.set_active("ann", true).unwrap());
        assert!(book.connected(0, &user, false).unwrap().is_some());
    }
}
