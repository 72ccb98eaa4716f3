//! A store in a directory of its own, and somebody who waits for its answers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proto::{
    ChannelName, Cursor, Epoch, Kind, Offset, Page, Placed, Publication, Reader, Span, UnixMillis,
    UserId,
};
use store::{
    Answer, Class, Fault, Job, Listener, Loaded, OpenError, Options, ReadFault, Store, Token,
    Writer,
};

pub(crate) const fn is_appended(answer: &Result<Answer, Fault>) -> bool {
    matches!(answer, Ok(Answer::Appended { .. }))
}

/// Longer than anything here takes, so that a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(30);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Removed when dropped.
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        Self::under(&std::env::temp_dir())
    }

    /// In memory, for tests that open a thousand files and lose none.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::under(memory) } else { Self::new() }
    }

    pub(crate) fn under(root: &Path) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = root.join(format!("tidegate-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("tidegate.db")
    }

    /// Files that were moved aside.
    pub(crate) fn damaged_files(&self) -> usize {
        let names = fs::read_dir(&self.0).unwrap().map(|it| it.unwrap().file_name());
        names
            .filter(|it| {
                let name = it.to_string_lossy();
                name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
            })
            .count()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

type Answers = Vec<(Token, Result<Answer, Fault>)>;

/// Hears what came of jobs and reads.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
struct Heard {
    groups: Vec<Answers>,
    answers: BTreeMap<u64, Result<Answer, Fault>>,
    pages: BTreeMap<u64, Result<Page, ReadFault>>,
}

impl Listener for Ear {
    fn stored(&self, answers: Answers) {
        let mut heard = self.heard.lock().unwrap();
        for (token, answer) in &answers {
            assert!(heard.answers.insert(token.0, answer.clone()).is_none(), "answered twice");
        }
        heard.groups.push(answers);
        self.changed.notify_all();
    }

    fn found(&self, token: Token, page: Result<Page, ReadFault>) {
        self.heard.lock().unwrap().pages.insert(token.0, page);
        self.changed.notify_all();
    }
}

impl Ear {
    pub(crate) fn answer(&self, token: Token) -> Result<Answer, Fault> {
        let heard = self.heard.lock().unwrap();
        let waiting = |it: &mut Heard| !it.answers.contains_key(&token.0);
        let (heard, late) = self.changed.wait_timeout_while(heard, PATIENCE, waiting).unwrap();
        assert!(!late.timed_out(), "no answer");
        heard.answers[&token.0].clone()
    }

    pub(crate) fn page(&self, token: Token) -> Result<Page, ReadFault> {
        let heard = self.heard.lock().unwrap();
        let waiting = |it: &mut Heard| !it.pages.contains_key(&token.0);
        let (heard, late) = self.changed.wait_timeout_while(heard, PATIENCE, waiting).unwrap();
        assert!(!late.timed_out(), "no page");
        heard.pages[&token.0].clone()
    }

    /// The sizes of the groups that were told.
    pub(crate) fn groups(&self) -> Vec<usize> {
        self.heard.lock().unwrap().groups.iter().map(Vec::len).collect()
    }
}

/// An open store.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) ear: Arc<Ear>,
}

impl House {
    pub(crate) fn open(dir: &Dir) -> Self {
        Self::with(dir, Options::default())
    }

    pub(crate) fn with(dir: &Dir, options: Options) -> Self {
        Self::try_with(&dir.0, options).unwrap()
    }

    pub(crate) fn try_with(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let store = Store::open(dir, options, fresh_epoch)?;
        let ear = Arc::new(Ear::default());
        let writer = store.writer(ear.clone());
        Ok(Self { store, writer, ear })
    }

    /// Submits jobs, without waiting.
    pub(crate) fn submit(&self, jobs: impl IntoIterator<Item = Job>) -> Vec<Token> {
        let jobs: Vec<_> = jobs.into_iter().map(|it| (token(), it)).collect();
        let tokens = jobs.iter().map(|it| it.0).collect();
        self.writer.submit(jobs).unwrap();
        tokens
    }

    pub(crate) fn ask(&self, job: Job) -> Result<Answer, Fault> {
        self.ear.answer(self.submit([job])[0])
    }

    pub(crate) fn all(&self, jobs: impl IntoIterator<Item = Job>) -> Vec<Result<Answer, Fault>> {
        self.submit(jobs).into_iter().map(|it| self.ear.answer(it)).collect()
    }

    /// Appends `payload(offset)` for each offset, all in one epoch.
    pub(crate) fn fill(&self, channel: &str, epoch: u64, offsets: std::ops::RangeInclusive<u64>) {
        let jobs = offsets.map(|it| append(channel, epoch, it, &payload(it)));
        for answer in self.all(jobs) {
            assert!(is_appended(&answer));
        }
    }

    pub(crate) fn load(&self, channel: &str) -> Option<Loaded> {
        match self.ask(Job::Load { channel: name(channel) }).unwrap() {
            Answer::Loaded(loaded) => loaded,
            other @ (Answer::Appended { .. } | Answer::Done) => panic!("{other:?}"),
        }
    }

    pub(crate) fn read(
        &self,
        channel: &str,
        epoch: u64,
        span: Span,
        messages_max: usize,
        bytes_max: usize,
    ) -> Result<Page, ReadFault> {
        let token = token();
        let channel = name(channel);
        self.writer.read(token, channel, Epoch(epoch), span, messages_max, bytes_max).unwrap();
        self.ear.page(token)
    }

    /// The whole log, as its head says its epoch is.
    pub(crate) fn page(&self, channel: &str) -> Result<Page, ReadFault> {
        let epoch = self.load(channel).map_or(0, |it| it.head.at.epoch.0);
        self.read(channel, epoch, Span::After(Offset(0)), usize::MAX, usize::MAX)
    }

    /// The offsets of the whole log.
    pub(crate) fn offsets(&self, channel: &str) -> Vec<u64> {
        self.page(channel).unwrap().messages.iter().map(|it| offset(it)).collect()
    }
}

pub(crate) fn token() -> Token {
    Token(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn fresh_epoch() -> Epoch {
    Epoch(0xF000_0000_0000_0000 | NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn name(channel: &str) -> ChannelName {
    ChannelName::parse(channel).unwrap()
}

pub(crate) fn payload(offset: u64) -> String {
    format!("{{\"n\":{offset},\"fill\":\"{}\"}}", "x".repeat(usize::try_from(offset % 50).unwrap()))
}

pub(crate) fn publication(channel: &str, epoch: u64, offset: u64, payload: &str) -> Publication {
    Publication {
        channel: name(channel),
        kind: Kind::Message(Placed { epoch: Epoch(epoch), offset: Offset(offset) }),
        from: UserId::parse("ann"),
        except: None,
        except_conn: None,
        payload: payload.into(),
        event: None,
        time: UnixMillis(1_000_000 + offset * 1000),
    }
}

pub(crate) fn append(channel: &str, epoch: u64, offset: u64, payload: &str) -> Job {
    let publication = Arc::new(publication(channel, epoch, offset, payload));
    Job::Append { publication, key: None, class: Class::Sync }
}

pub(crate) fn patient(channel: &str, epoch: u64, offset: u64) -> Job {
    let publication = Arc::new(publication(channel, epoch, offset, &payload(offset)));
    Job::Append { publication, key: None, class: Class::Interval }
}

pub(crate) fn move_cursor(channel: &str, user: &str, delivered: u64, read: u64) -> Job {
    let reader = Reader { user: UserId::parse(user).unwrap(), device: None };
    let to = Cursor { delivered: Offset(delivered), read: Offset(read) };
    Job::MoveCursor { channel: name(channel), reader, to }
}

pub(crate) fn offset(publication: &Publication) -> u64 {
    match publication.kind {
        Kind::Message(placed) => placed.offset.0,
        Kind::Signal | Kind::Notice(_) => panic!("it has no offset"),
    }
}
