//! How many messages a second are confirmed, and how long that takes: 64 producers who each wait
//! for their answer, on two shards, with bodies of 200 bytes to ten thousand channels. Beside it,
//! in the same run, what SQLite itself does with the same bytes, 64 rows a commit, in a bare table.
//!
//! ```text
//! cargo run --release -p store --example group_commit [SECONDS] [DIR]
//! ```

use std::{
    collections::HashMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use proto::{ChannelName, Epoch, Kind, Offset, Page, Placed, Publication, UnixMillis, UserId};
use rusqlite::Connection;
use store::{Answer, Class, Fault, Job, Listener, Options, ReadFault, Store, Token, Writer};

const PRODUCERS: usize = 64;
const SHARDS: usize = 2;
const CHANNELS: u64 = 10_000;
const BODY_BYTES: usize = 200;

fn main() -> io::Result<()> {
    let mut words = env::args().skip(1);
    let seconds = words.next().map_or(Ok(4), |it| it.parse()).map_err(io::Error::other)?;
    let for_so_long = Duration::from_secs(seconds);
    let root = words.next().map_or_else(env::temp_dir, PathBuf::from);
    let dir = root.join(format!("group-commit-{}", std::process::id()));
    fs::create_dir_all(&dir)?;

    let mut out = io::stdout().lock();
    for round in 1..=2 {
        let raw =
            raw(&dir.join(format!("raw-{round}.db")), for_so_long).map_err(io::Error::other)?;
        let (stored, mut took, tally) = stored(&dir.join(format!("{round}")), for_so_long)?;
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        writeln!(out, "raw    {raw:>8.0} messages/s, {PRODUCERS} a commit")?;
        writeln!(
            out,
            "store  {stored:>8.0} messages/s, {:.0} % of raw; p50 {:.2} ms, p99 {:.2} ms, \
             p99.9 {:.2} ms, max {:.1} ms; {:.1} jobs a commit",
            stored / raw * 100.0,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            tally.jobs as f64 / tally.groups as f64,
        )?;
    }
    fs::remove_dir_all(&dir)
}

/// SQLite with the same settings, and nothing around it.
fn raw(path: &Path, for_so_long: Duration) -> rusqlite::Result<f64> {
    let db = Connection::open(path)?;
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    db.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE log (id INTEGER PRIMARY KEY, log INTEGER, \
         offset INTEGER, body TEXT)",
    )?;
    let body = body();
    let mut insert = db.prepare("INSERT INTO log (log, offset, body) VALUES (?, ?, ?)")?;
    let (began, mut count, mut since_checkpoint) = (Instant::now(), 0_u64, 0);
    while began.elapsed() < for_so_long {
        db.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..PRODUCERS {
            count += 1;
            insert.execute((
                (mixed(count) % CHANNELS).cast_signed(),
                count.cast_signed(),
                &*body,
            ))?;
        }
        db.execute_batch("COMMIT")?;
        since_checkpoint += PRODUCERS * (2 * BODY_BYTES + 200);
        if 16 << 20 <= since_checkpoint {
            db.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))?;
            since_checkpoint = 0;
        }
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

fn stored(dir: &Path, for_so_long: Duration) -> io::Result<(f64, Vec<Duration>, store::Tally)> {
    let store = Store::open(dir, Options::default(), || Epoch(1)).map_err(io::Error::other)?;
    let began = Instant::now();
    let shards: Vec<_> = (0..SHARDS as u64)
        .map(|shard| {
            let store = store.clone();
            thread::spawn(move || produce(&store, shard, began + for_so_long))
        })
        .collect();
    let mut took = Vec::new();
    for shard in shards {
        took.extend(shard.join().map_err(|_| io::Error::other("a shard panicked"))?);
    }
    let count = took.len() as f64 / began.elapsed().as_secs_f64();
    let tally = store.tally();
    store.close();

    let began = Instant::now();
    let store = Store::open(dir, Options::default(), || Epoch(1)).map_err(io::Error::other)?;
    let (messages, opened) = (store.tally().messages, began.elapsed().as_secs_f64());
    writeln!(io::stderr(), "opened {messages:>8} messages again in {opened:.2} s")?;
    store.close();
    Ok((count, took, tally))
}

/// A shard with its share of the producers: each says the next thing when it hears that the last
/// one is stored.
fn produce(store: &Store, shard: u64, until: Instant) -> Vec<Duration> {
    let (told, answers) = sync_channel(PRODUCERS);
    let writer = store.writer(Arc::new(Ear(told)));
    let mut mouth = Mouth { shard, said: 0, heads: HashMap::new(), body: body() };
    let mut waiting: HashMap<u64, Instant> = HashMap::new();
    let mut took = Vec::new();
    mouth.say(&writer, PRODUCERS / SHARDS, &mut waiting);
    while !waiting.is_empty() {
        let heard = answers.recv().expect("somebody is waited for");
        let now = Instant::now();
        for (token, answer) in &heard {
            assert!(matches!(answer, Ok(Answer::Appended { .. })));
            took.extend(waiting.remove(&token.0).map(|it| now - it));
        }
        if now < until {
            mouth.say(&writer, heard.len(), &mut waiting);
        }
    }
    took
}

struct Mouth {
    shard: u64,
    said: u64,
    heads: HashMap<u64, u64>,
    body: Arc<str>,
}

impl Mouth {
    fn say(&mut self, writer: &Writer, count: usize, waiting: &mut HashMap<u64, Instant>) {
        let now = Instant::now();
        let jobs = (0..count).map(|_| {
            self.said += 1;
            waiting.insert(self.said, now);
            (Token(self.said), self.next())
        });
        writer.submit(jobs.collect()).expect("there is room");
    }

    fn next(&mut self) -> Job {
        // Each shard is the home of channels of its own.
        let number = mixed(self.said) % (CHANNELS / SHARDS as u64) * SHARDS as u64 + self.shard;
        let head = self.heads.entry(number).or_default();
        *head += 1;
        let publication = Publication {
            channel: ChannelName::parse(&format!("room:{number}")).expect("a name"),
            kind: Kind::Message(Placed { epoch: Epoch(1), offset: Offset(*head) }),
            from: UserId::parse("ann"),
            except: None,
            except_conn: None,
            event: None,
            payload: Arc::clone(&self.body),
            time: UnixMillis::from(SystemTime::now()),
        };
        Job::Append { publication: Arc::new(publication), key: None, class: Class::Sync }
    }
}

struct Ear(SyncSender<Vec<(Token, Result<Answer, Fault>)>>);

impl Listener for Ear {
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>) {
        self.0.send(answers).expect("the shard waits for it");
    }

    fn found(&self, _: Token, _: Result<Page, ReadFault>) {}
}

fn body() -> Arc<str> {
    "x".repeat(BODY_BYTES).into()
}

fn mixed(number: u64) -> u64 {
    let x = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (x ^ x >> 29) >> 3
}
