//! Plays a script over a real database, and keeps sockets and rooms as a driver would.
//!
//! ```text
//! ann comes                          a socket of Ann's; a second one is ann'
//! ann goes
//! ann message:send {"channelId":"1"} an event, and its values as JSON
//! show ann message:send {…}          the same, with all that is told
//! +5s
//! --                                 what came before is how the story begins, and not shown
//! ```

use std::{
    env,
    fmt::Write as _,
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use crate::{Audience, Book, Emit, Move, Outcome, Room, User};

pub(super) fn play(script: &str) -> String {
    let mut house = House::new();
    for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
        house.act(line);
    }
    std::mem::take(&mut house.log)
}

pub(super) struct House {
    pub(super) book: Book,
    dir: PathBuf,
    now: i64,
    sockets: Vec<Socket>,
    pub(super) log: String,
}

struct Socket {
    name: String,
    rooms: Vec<Room>,
}

impl Socket {
    fn user(&self) -> &str {
        self.name.trim_end_matches('\'')
    }
}

/// Somebody as their token describes them.
pub(super) fn user(name: &str) -> User {
    let id = name.trim_end_matches('\'');
    let mut shown = id.to_owned();
    shown[..1].make_ascii_uppercase();
    User { id: id.to_owned(), name: shown, image_url: None }
}

impl House {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("chat-{}-{count}", process::id()));
        let book = Book::open(&dir).unwrap();
        Self { book, dir, now: 1_700_000_000_000, sockets: Vec::new(), log: String::new() }
    }

    pub(super) fn act(&mut self, line: &str) {
        if let Some(seconds) = line.strip_prefix('+').and_then(|it| it.strip_suffix('s')) {
            return self.pass(seconds.parse::<i64>().unwrap() * 1000);
        }
        if line == "--" {
            return self.log.clear();
        }
        let (is_shown, line) = match line.strip_prefix("show ") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (name, rest) = line.split_once(' ').unwrap();
        let (event, json) = rest.split_once(' ').unwrap_or((rest, ""));
        let outcome = match event {
            "comes" => {
                self.sockets.push(Socket { name: name.to_owned(), rooms: Vec::new() });
                let outcome = self.book.connected(self.now, &user(name), false);
                outcome.map(|it| it.expect("nobody is removed here"))
            }
            "goes" => {
                self.sockets.retain(|it| it.name != name);
                self.book.disconnected(self.now, &user(name))
            }
            _ => {
                let args = serde_json::from_str::<Vec<Value>>(&format!("[{json}]")).unwrap();
                self.book.handle(self.now, &user(name), event, &args)
            }
        };
        let end = line.floor_char_boundary(120);
        writeln!(self.log, "{}", &line[..end]).unwrap();
        self.carry_out(name, outcome.unwrap(), is_shown, matches!(event, "comes" | "goes"));
    }

    fn pass(&mut self, millis: i64) {
        self.now += millis;
        if self.book.wakes_at().is_some_and(|it| it <= self.now) {
            let emits = self.book.wake(self.now);
            writeln!(self.log, "+{millis}ms").unwrap();
            self.tell(None, emits, false);
        }
    }

    fn carry_out(&mut self, name: &str, outcome: Outcome, is_shown: bool, is_silent: bool) {
        for step in outcome.moves {
            self.step(name, step);
        }
        self.tell(Some(name), outcome.emits, is_shown);
        let ack = &outcome.ack;
        match ack["error"].as_str() {
            Some(error) => writeln!(self.log, "  no: {error}").unwrap(),
            None if is_shown => writeln!(self.log, "  yes {ack}").unwrap(),
            None if is_silent => (),
            None => writeln!(self.log, "  yes").unwrap(),
        }
    }

    fn step(&mut self, name: &str, step: Move) {
        for socket in &mut self.sockets {
            let (is_there, room) = match &step {
                Move::Join(room) => (socket.name == name, room),
                Move::Leave(room) => {
                    if socket.name == name {
                        socket.rooms.retain(|it| it != room);
                    }
                    continue;
                }
                Move::Bring(user, room) => (socket.user() == user, room),
            };
            if is_there && !socket.rooms.contains(room) {
                socket.rooms.push(*room);
            }
        }
    }

    fn tell(&mut self, sender: Option<&str>, emits: Vec<Emit>, is_shown: bool) {
        for Emit { to, event, payload } in emits {
            let own = sender.map(|it| it.trim_end_matches('\''));
            let hears = |it: &&Socket| match &to {
                Audience::Sender => sender == Some(&it.name),
                Audience::User(user) => it.user() == user,
                Audience::Elsewhere => own == Some(it.user()) && sender != Some(&it.name),
                Audience::Room(room) => it.rooms.contains(room),
                Audience::Others(room) => own != Some(it.user()) && it.rooms.contains(room),
                Audience::Everyone => own != Some(it.user()),
            };
            let heard: Vec<_> = self.sockets.iter().filter(hears).map(|it| &*it.name).collect();
            let heard = if heard.is_empty() { "nobody".to_owned() } else { heard.join(", ") };
            let shown = if is_shown { format!(" {payload}") } else { String::new() };
            writeln!(self.log, "  {event} -> {heard}{shown}").unwrap();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Left behind at worst, where temporary things are.
        fs::remove_dir_all(&self.dir).ok();
    }
}
