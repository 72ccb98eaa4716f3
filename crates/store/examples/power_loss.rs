//! Writes to a store in a known order, and tells whether what is left of one is right: the program
//! that `tests/power-loss/run` takes the power from.
//!
//! ```text
//! power_loss write DIR BATCHES SIZE   says `A <n>` in the file $ACKS once batch n is confirmed
//! power_loss verify                   reads lines `IMAGE LAST SIZE`, answers each with one line
//! ```

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use proto::{
    ChannelName, Cursor, Epoch, Kind, Offset, Page, Placed, Publication, Reader, Span, UnixMillis,
    UserId,
};
use store::{
    Answer, Class, Fault, Job, Listener, Options, ReadFault, Retention, Store, Token, Writer,
};

const CHANNELS: u64 = 8;
const EPOCH: Epoch = Epoch(9);
/// The store is closed and opened again so often while it is written.
const SESSIONS: u64 = 4;

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", dir, batches, size] => write(Path::new(dir), number(batches), number(size)),
        ["verify"] => verify_all(),
        _ => Err(io::Error::other("power_loss write DIR BATCHES SIZE | power_loss verify")),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number, or -1 for none")
}

fn write(dir: &Path, batches: u64, size: u64) -> io::Result<()> {
    let mut acks = File::create(env::var("ACKS").map_err(io::Error::other)?)?;
    let mut script = Script::default();
    for session in 0..SESSIONS {
        let desk = Desk::open(dir).map_err(io::Error::other)?;
        for batch in batches * session / SESSIONS..batches * (session + 1) / SESSIONS {
            for answer in desk.ask(script.batch(batch, size)) {
                answer.map_err(io::Error::other)?;
            }
            acks.write_all(format!("A {batch}\n").as_bytes())?;
        }
        desk.store.close();
    }
    Ok(())
}

fn verify_all() -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [image, last, size] = words[..] else { return Err(io::Error::other(line)) };
        let confirmed = last.parse::<i64>().map_err(io::Error::other)? + 1;
        let said = match verify(Path::new(image), confirmed.cast_unsigned(), number(size)) {
            Ok(batches) => format!("OK {batches} batches"),
            Err(wrong) => wrong,
        };
        writeln!(io::stdout(), "{said}")?;
    }
    Ok(())
}

/// How many batches there are, which are all that were confirmed, and perhaps the next.
fn verify(image: &Path, confirmed: u64, size: u64) -> Result<u64, String> {
    let mut desk = Desk::open(image).map_err(|it| format!("does not open: {it}"))?;
    let tally = desk.store.tally();
    if tally.damaged_files + tally.damaged_logs + tally.damaged_rows + tally.renewed_logs != 0 {
        return Err(format!("damage where there is none: {tally:?}"));
    }
    let mut heads = BTreeMap::new();
    for channel in 0..CHANNELS {
        if let Some(head) = desk.check(channel)? {
            heads.insert(channel, head);
        }
    }
    let mut script = Script::default();
    let mut batches = 0;
    while script.heads != heads && batches <= confirmed + 1 {
        script.batch(batches, size);
        batches += 1;
    }
    if script.heads != heads {
        return Err(format!("part of a batch, or too many: {heads:?}"));
    }
    if batches < confirmed {
        return Err(format!("lost: {batches} batches of {confirmed} confirmed"));
    }
    for answer in desk.ask(script.batch(batches, size)) {
        match answer.map_err(|it| format!("does not go on: {it}"))? {
            Answer::Appended { row } if row <= confirmed * size => {
                return Err(format!("row {row} was given before"));
            }
            Answer::Appended { .. } | Answer::Loaded(_) | Answer::Done => {}
        }
    }
    desk.store.close();
    Ok(batches)
}

/// What is written: the same every time.
#[derive(Default)]
struct Script {
    heads: BTreeMap<u64, u64>,
}

impl Script {
    fn batch(&mut self, batch: u64, size: u64) -> Vec<Job> {
        let mut jobs: Vec<Job> = (0..size).map(|it| self.message(mixed(batch, it))).collect();
        let channel = mixed(batch, 99) % CHANNELS;
        let head = Offset(self.heads.get(&channel).copied().unwrap_or(0));
        if head != Offset(0) {
            let user = UserId::parse("ann").expect("a name");
            let reader = Reader { user, device: None };
            let to = Cursor { delivered: head, read: head };
            jobs.push(Job::MoveCursor { channel: name(channel), reader, to });
        }
        jobs
    }

    fn message(&mut self, chance: u64) -> Job {
        let channel = chance % CHANNELS;
        let head = self.heads.entry(channel).or_default();
        *head += 1;
        let publication = Publication {
            channel: name(channel),
            kind: Kind::Message(Placed { epoch: EPOCH, offset: Offset(*head) }),
            from: UserId::parse("ann"),
            except: None,
            except_conn: None,
            event: None,
            payload: payload(channel, *head).into(),
            time: UnixMillis(*head),
        };
        Job::Append { publication: Arc::new(publication), key: None, class: Class::Sync }
    }
}

/// Mostly a few hundred bytes, sometimes several pages.
fn payload(channel: u64, offset: u64) -> String {
    let mut text = format!("{channel}/{offset}:");
    let chance = mixed(channel, offset);
    let length = if chance.is_multiple_of(16) { chance % 20_000 } else { chance % 600 };
    while (text.len() as u64) < length {
        write!(text, "{:x}", mixed(chance, text.len() as u64)).expect("a string takes all");
    }
    text
}

fn mixed(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(b).wrapping_add(1);
    x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ x >> 31) >> 8
}

fn name(channel: u64) -> ChannelName {
    ChannelName::parse(&format!("room:{channel}")).expect("a name")
}

/// An open store that is asked one thing at a time.
struct Desk {
    store: Store,
    writer: Writer,
    answers: Receiver<Told>,
}

enum Told {
    Stored(Vec<(Token, Result<Answer, Fault>)>),
    Found(Result<Page, ReadFault>),
}

struct Ear(SyncSender<Told>);

impl Listener for Ear {
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>) {
        self.0.send(Told::Stored(answers)).expect("somebody waits for it");
    }

    fn found(&self, _: Token, page: Result<Page, ReadFault>) {
        self.0.send(Told::Found(page)).expect("somebody waits for it");
    }
}

impl Desk {
    fn open(dir: &Path) -> Result<Self, store::OpenError> {
        // Small, so that heads are cut and the write-ahead log is carried over meanwhile.
        let default_retention = Retention { messages: Some(100), ..Retention::default() };
        let options = Options { default_retention, wal_bytes_max: 128 << 10, ..Options::default() };
        let mut fresh = 1000;
        let store = Store::open(dir, options, move || {
            fresh += 1;
            Epoch(fresh)
        })?;
        let (told, answers) = sync_channel(16);
        let writer = store.writer(Arc::new(Ear(told)));
        Ok(Self { store, writer, answers })
    }

    fn ask(&self, jobs: Vec<Job>) -> Vec<Result<Answer, Fault>> {
        let count = jobs.len();
        let jobs = jobs.into_iter().map(|it| (Token(0), it)).collect();
        self.writer.submit(jobs).expect("nothing else waits");
        let mut answers = Vec::new();
        while answers.len() < count {
            if let Told::Stored(told) = self.answers.recv().expect("it answers") {
                answers.extend(told.into_iter().map(|it| it.1));
            }
        }
        answers
    }

    /// The log's head, if it has one and everything it shows is right.
    fn check(&mut self, channel: u64) -> Result<Option<u64>, String> {
        let all = Span::After(Offset(0));
        let asked = self.writer.read(Token(0), name(channel), EPOCH, all, usize::MAX, usize::MAX);
        asked.expect("nothing else waits");
        let page = match self.answers.recv().expect("it answers") {
            Told::Found(Ok(page)) => page,
            Told::Found(Err(ReadFault::Unknown)) => return Ok(None),
            Told::Found(Err(fault)) => return Err(format!("room {channel}: {fault}")),
            Told::Stored(answers) => return Err(format!("{answers:?} without being asked")),
        };
        let head = page.head;
        if head.at.epoch != EPOCH {
            return Err(format!("room {channel}: epoch {}", head.at.epoch));
        }
        let mut next = head.first.0;
        for message in &page.messages {
            let placed = Placed { epoch: EPOCH, offset: Offset(next) };
            if message.kind != Kind::Message(placed) || *message.payload != *payload(channel, next)
            {
                return Err(format!("room {channel}: {next} is not what was written"));
            }
            next += 1;
        }
        if next != head.at.offset.0 + 1 {
            return Err(format!("room {channel}: ends at {next}, not at its head {head:?}"));
        }
        Ok(Some(head.at.offset.0))
    }
}
