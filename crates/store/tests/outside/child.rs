//! The other process: this test program once more, told by its environment what to do.
//!
//! It says on its output, a line each, what it was confirmed (`stored CHANNEL EPOCH OFFSET ROW`),
//! what was refused it (`failed`), and what it found when it opened the store (`found CHANNEL
//! OFFSET`).

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use proto::Span;
use store::{Answer, Fault, Options};

use crate::fixtures::{Dir, House, append, offset, payload};

pub(crate) const CHANNELS: [&str; 4] = ["a", "b", "c", "d"];
const EPOCH: u64 = 9;

/// What the child was told to do.
#[test]
fn child() {
    let Ok(dir) = env::var("STORE_CHILD") else { return };
    let rounds = env::var("STORE_ROUNDS").unwrap().parse().unwrap();
    // The test runner has begun a line.
    say("");
    let house = open(Path::new(&dir));
    for channel in CHANNELS {
        say(&format!("found {channel} {}", head(&house, channel)));
    }
    let full = Path::new(&dir).join("full");
    for round in 0..rounds {
        write(&house, &full, round);
    }
    house.store.clone().close();
    say("done");
}

/// A disk that fails at the start is tried again: it is to fail loudly, and to work afterwards.
fn open(dir: &Path) -> House {
    for _ in 0..100 {
        match House::try_with(dir, Options::default()) {
            Ok(house) => return house,
            Err(error) => say(&format!("failed to open: {error}")),
        }
    }
    panic!("the disk does not get well");
}

/// A few messages to each channel in one batch; then what was confirmed.
fn write(house: &House, full: &Path, round: u64) {
    let mut next = Vec::new();
    for channel in CHANNELS {
        let after = head(house, channel);
        next.extend((1..=3).map(|it| (channel, after + it)));
    }
    let jobs = next.iter().map(|(channel, offset)| append(channel, EPOCH, *offset, &text(*offset)));
    let answers = house.all(jobs);
    for ((channel, offset), answer) in next.iter().zip(answers) {
        match answer {
            Ok(Answer::Appended { row }) => {
                say(&format!("stored {channel} {EPOCH} {offset} {row}"));
            }
            Err(Fault::Unavailable | Fault::OutOfOrder) => say("failed"),
            other => panic!("{other:?} in round {round}"),
        }
    }
    if full.exists() {
        // Room is made again; the same process goes on.
        say("was full");
        let read = house.read("a", EPOCH, Span::Last, 5, usize::MAX);
        assert_eq!(read.unwrap().messages.len(), 5, "what is stored can still be read");
        fs::remove_file(full).unwrap();
    }
}

/// Asks until the store is available.
fn head(house: &House, channel: &str) -> u64 {
    loop {
        if let Some(head) = head_now(house, channel) {
            return head;
        }
    }
}

fn head_now(house: &House, channel: &str) -> Option<u64> {
    let load = store::Job::Load { channel: crate::fixtures::name(channel) };
    match house.ask(load) {
        Ok(Answer::Loaded(loaded)) => Some(loaded.map_or(0, |it| it.head.at.offset.0)),
        Err(Fault::Unavailable) => None,
        other => panic!("{other:?}"),
    }
}

/// Some are larger than a page.
fn text(offset: u64) -> String {
    if offset.is_multiple_of(7) { payload(offset).repeat(100) } else { payload(offset) }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// How to start it. `shell` comes before the program.
pub(crate) fn command(dir: &Dir, rounds: u64, shell: Option<&str>) -> Command {
    let program = env::current_exe().unwrap();
    let mut command = match shell {
        None => Command::new(program),
        Some(shell) => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{shell} exec \"$0\" \"$@\"")]).arg(program);
            command
        }
    };
    command.args(["child::child", "--exact", "--test-threads=1", "--nocapture"]);
    command.env("STORE_CHILD", &dir.0).env("STORE_ROUNDS", rounds.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The other process, and what it has not been heard to say.
pub(crate) struct Other {
    pub(crate) child: Child,
    said: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Kills it if it is not done, and hears the rest: it was confirmed as well.
    pub(crate) fn kill(mut self, confirmed: &mut Confirmed) {
        self.child.kill().unwrap();
        confirmed.hear(&mut self, usize::MAX);
        self.child.wait().unwrap();
    }
}

/// The last offset of each channel that was confirmed, and the last row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Confirmed {
    pub(crate) heads: [u64; CHANNELS.len()],
    pub(crate) row: u64,
    pub(crate) failures: usize,
    pub(crate) was_full: bool,
    pub(crate) is_done: bool,
}

impl Confirmed {
    /// Hears so many lines of a child, or all.
    pub(crate) fn hear(&mut self, other: &mut Other, lines: usize) {
        for line in (&mut other.said).lines().take(lines) {
            self.take(&line.unwrap());
        }
    }

    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let place = |it: &str| CHANNELS.iter().position(|known| *known == it).unwrap();
        match words[..] {
            ["stored", channel, "9", offset, row] => {
                let head = &mut self.heads[place(channel)];
                let offset = offset.parse().unwrap();
                assert!(*head < offset, "{channel} {offset} was confirmed before");
                *head = offset;
                let row = row.parse().unwrap();
                assert!(self.row < row, "row {row} was given before: {self:?}");
                self.row = row;
            }
            ["found", channel, offset] => {
                let offset: u64 = offset.parse().unwrap();
                assert!(
                    self.heads[place(channel)] <= offset,
                    "{channel} ends at {offset}: {self:?}"
                );
            }
            ["failed", ..] => self.failures += 1,
            ["was", "full"] => self.was_full = true,
            ["done"] => self.is_done = true,
            _ => {}
        }
    }

    /// What is there now holds everything that was confirmed, in order, without a gap.
    pub(crate) fn check(&self, dir: &Dir, what: &str) {
        let house = House::open(dir);
        for (channel, head) in CHANNELS.into_iter().zip(self.heads) {
            let Some(loaded) = house.load(channel) else {
                assert_eq!(head, 0, "{what}: {channel} is not there");
                continue;
            };
            assert_eq!(loaded.head.at.epoch.0, EPOCH, "{what}: {channel}");
            let page = house.page(channel).unwrap();
            let offsets: Vec<u64> = page.messages.iter().map(|it| offset(it)).collect();
            assert_eq!(offsets, (1..=loaded.head.at.offset.0).collect::<Vec<_>>(), "{what}");
            assert!(head <= loaded.head.at.offset.0, "{what}: {channel} has lost some");
            for message in &page.messages {
                assert_eq!(*message.payload, *text(offset(message)), "{what}: {channel}");
            }
        }
        assert_eq!(dir.damaged_files(), 0, "{what}");
    }
}
