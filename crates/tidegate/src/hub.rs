//! The gateway as the asynchronous side sees it: errands for shards, tokens to check.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, OnceLock, Weak},
    time::Duration,
};

use admission::Tables;
use app::{Description, Gateway, Logs, Post, Reading, Selection};
use async_trait::async_trait;
use engine::{Draft, Errand, Outcome, Whom, home_of};
use proto::{
    ChannelName, Code, ConnId, Cursor, Identity, Page, Placed, Refusal, Roll, ShardId, Who,
};
use serde_json::{Map, Value, json};
use token::{Key, VerifiedCache};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    fetch,
    ground::{Ground, TOKENS_MAX, moment},
    inbox::{self, Inbox, Note, lock},
};

mod register; // Sessions and revocations.

/// How long the HTTP side waits for keys that are being fetched.
const KEYS_WITHIN: Duration = Duration::from_secs(5);

/// One for the process. Holds the inboxes of all shards.
#[derive(Debug)]
pub(crate) struct Hub {
    inboxes: Vec<Arc<Inbox>>,
    /// Set once everything is put together; the hub is needed to make the rest.
    ground: OnceLock<Weak<Ground>>,
    cache: Mutex<VerifiedCache>,
    /// Canaries under way, by their text, and who counts the shards they come through.
    canaries: Mutex<BTreeMap<String, mpsc::Sender<ShardId>>>,
    keys_fetched: Notify,
    /// The development key, with `--dev` only.
    mint: Option<Mint>,
    /// What newer tokens are signed with, at the place of their verifier.
    mints: Vec<Option<config::Mint>>,
}

/// What development tokens are signed with, and the claims they need besides.
#[derive(Debug)]
pub(crate) struct Mint {
    pub(crate) key: Key,
    pub(crate) claims: Map<String, Value>,
}

impl Hub {
    pub(crate) fn new(
        shards: u16,
        inbox: inbox::Bounds,
        mint: Option<Mint>,
        mints: Vec<Option<config::Mint>>,
    ) -> Self {
        Self {
            inboxes: (0..shards).map(|_| Arc::new(Inbox::new(inbox))).collect(),
            ground: OnceLock::new(),
            cache: Mutex::new(VerifiedCache::new(TOKENS_MAX)),
            canaries: Mutex::default(),
            keys_fetched: Notify::new(),
            mint,
            mints,
        }
    }

    pub(crate) fn belongs_to(&self, ground: &Arc<Ground>) {
        let first = self.ground.set(Arc::downgrade(ground));
        assert!(first.is_ok(), "the hub is part of one process");
    }

    pub(crate) fn inbox(&self, shard: ShardId) -> &Arc<Inbox> {
        &self.inboxes[usize::from(shard.0)]
    }

    pub(crate) fn inboxes(&self) -> impl Iterator<Item = &Arc<Inbox>> {
        self.inboxes.iter()
    }

    /// A canary came through a shard.
    pub(crate) fn sang(&self, text: &str, shard: ShardId) {
        if let Some(listener) = lock(&self.canaries).get(text) {
            // As many places as shards; a canary that nobody waits for any more may be lost.
            let _ = listener.try_send(shard);
        }
    }

    /// Keys have been fetched, or that failed.
    pub(crate) fn keys_fetched(&self, have_changed: bool) {
        if have_changed {
            lock(&self.cache).flush();
        }
        for inbox in &self.inboxes {
            inbox.answer(Note::KeysFetched { have_changed });
        }
        self.keys_fetched.notify_waiters();
    }

    pub(crate) fn shard_count(&self) -> u16 {
        u16::try_from(self.inboxes.len()).expect("shards are counted with sixteen bits")
    }

    fn home(&self, channel: &ChannelName) -> &Inbox {
        self.inbox(home_of(channel, self.shard_count()))
    }

    async fn seek(&self, inbox: &Inbox, errand: Errand) -> Result<Outcome, Refusal> {
        let (reply, outcome) = oneshot::channel();
        let busy = |_| Refusal::new(Code::Busy).after(Duration::from_secs(1));
        if let Some(call) = inbox.seek(errand, reply).map_err(busy)? {
            // Whatever else is ready on this thread comes first, so that one call does for all of
            // it.
            tokio::task::yield_now().await;
            drop(call);
        }
        // A shard that fails drops what it was asked.
        match outcome.await {
            Ok(Outcome::Refused(refusal)) => Err(refusal),
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(Code::ShardFailed.into()),
        }
    }

    /// Looks something up in the tables of admission, with the cache of this side.
    fn look<T>(&self, ground: &Arc<Ground>, look: impl FnOnce(&mut Tables<'_>) -> T) -> T {
        let mut fetches = Vec::new();
        let mut tallies = admission::Tallies::default();
        let cache = &mut *lock(&self.cache);
        let found = ground.with_tables(cache, &mut tallies, &mut fetches, look);
        fetches.into_iter().for_each(|it| fetch::begin(ground, it));
        found
    }

    /// Ends connections on some of the shards.
    async fn disconnect_on(
        &self,
        whom: &Whom,
        why: &Refusal,
        shards: Range<usize>,
    ) -> Result<usize, Refusal> {
        let mut count = 0;
        for inbox in self.inboxes.get(shards).unwrap_or_default() {
            let errand = Errand::Disconnect(whom.clone(), why.clone());
            if let Outcome::Disconnected(here) = self.seek(inbox, errand).await? {
                count += here;
            }
        }
        Ok(count)
    }
}

impl Hub {
    async fn post(&self, post: Post, is_signal: bool) -> Result<Outcome, Refusal> {
        let Post { channel, payload, from, except, event, key } = post;
        let (inbox, except_conn) = (self.home(&channel), None);
        let draft = Draft { channel, payload, from, except, except_conn, event, key, is_signal };
        self.seek(inbox, Errand::Publish(draft)).await
    }
}

#[async_trait]
impl Gateway for Hub {
    async fn publish(&self, post: Post) -> Result<Placed, Refusal> {
        let Outcome::Placed(Some(at)) = self.post(post, false).await? else {
            unreachable!("a message has a place");
        };
        Ok(at)
    }

    async fn signal(&self, post: Post) -> Result<(), Refusal> {
        self.post(post, true).await.map(drop)
    }

    async fn describe(&self, channel: ChannelName) -> Result<Description, Refusal> {
        let mut description = Description { members: 0, head: None };
        for inbox in &self.inboxes {
            let outcome = self.seek(inbox, Errand::Describe(channel.clone())).await?;
            let Outcome::Described { members, head } = outcome else {
                unreachable!("a channel is described or not: {outcome:?}");
            };
            description.members += members;
            description.head = description.head.or(head);
        }
        Ok(description)
    }

    async fn disconnect(&self, whom: Selection, why: Refusal) -> Result<usize, Refusal> {
        let (whom, shards) = match &whom {
            Selection::User(user) => (Whom::User(user.clone()), 0..self.inboxes.len()),
            Selection::Connection(name) => {
                let Some((shard, conn)) = connection_named(name) else { return Ok(0) };
                let shard = usize::from(shard);
                (Whom::Conn(conn), shard..(shard + 1).min(self.inboxes.len()))
            }
        };
        self.disconnect_on(&whom, &why, shards).await
    }

    async fn canary(&self, patience: Duration) -> bool {
        let mut secret = [0; 16];
        if getrandom::fill(&mut secret).is_err() {
            return false;
        }
        let text = format!("{:032x}", u128::from_ne_bytes(secret));
        let (listener, mut heard) = mpsc::channel(self.inboxes.len());
        lock(&self.canaries).insert(text.clone(), listener);
        // Whoever asked may hang up while the canary is under way.
        let _forget = Forget { canaries: &self.canaries, text: &text };
        let sing = async {
            // Through the engine of the first shard and from there through every inbox.
            for inbox in self.inboxes.iter().take(1) {
                let (reply, _) = oneshot::channel();
                if inbox.seek(Errand::Canary(text.as_str().into()), reply).is_err() {
                    return false;
                }
            }
            for _ in &self.inboxes {
                if heard.recv().await.is_none() {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(patience, sing).await.unwrap_or(false)
    }

    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal> {
        let ground = self.ground.get().and_then(Weak::upgrade).ok_or(Code::Draining)?;
        let id = ground.door.routes.named(route).ok_or(Code::NoSuchRoute)?;
        let look = || self.look(&ground, |it| admission::identify(token, id, moment(), it));
        self.when_keys_are_here(look).await
    }

    fn mint(&self, claims: Map<String, Value>, lifetime: Duration) -> Option<String> {
        let mint = self.mint.as_ref()?;
        let now = moment().wall.0;
        let mut all = mint.claims.clone();
        all.extend(claims);
        all.insert("iat".to_owned(), json!(now));
        all.insert("exp".to_owned(), json!(now + lifetime.as_secs()));
        token::mint(&all, &mint.key, mint.key.kid()).ok()
    }
}

#[async_trait]
impl Logs for Hub {
    async fn history(&self, reading: Reading) -> Result<Page, Refusal> {
        let Reading { channel, span, epoch, limit } = reading;
        let inbox = self.home(&channel);
        let outcome = self.seek(inbox, Errand::Read { channel, span, epoch, limit }).await?;
        let Outcome::Read(page) = outcome else {
            unreachable!("a reading is a page or refused: {outcome:?}");
        };
        Ok(page)
    }

    async fn cursor(
        &self,
        channel: ChannelName,
        reader: proto::Reader,
    ) -> Result<(Cursor, u64), Refusal> {
        let inbox = self.home(&channel);
        let outcome = self.seek(inbox, Errand::Cursor { channel, reader }).await?;
        let Outcome::Cursor(it) = outcome else {
            unreachable!("a cursor is told or refused: {outcome:?}");
        };
        Ok((it.cursor, it.unread))
    }

    async fn presence(&self, channel: ChannelName, who: Who) -> Result<Roll, Refusal> {
        let inbox = self.home(&channel);
        let outcome = self.seek(inbox, Errand::Presence { channel, who }).await?;
        let Outcome::Present(roll) = outcome else {
            unreachable!("it is told who is here, or refused: {outcome:?}");
        };
        Ok(roll)
    }

    async fn erase(&self, channel: ChannelName) -> Result<(), Refusal> {
        let inbox = self.home(&channel);
        let outcome = self.seek(inbox, Errand::Erase(channel)).await?;
        let Outcome::Erased = outcome else {
            unreachable!("a log is erased or is not: {outcome:?}");
        };
        Ok(())
    }
}

/// Takes a canary out of the list, however waiting for it ends.
struct Forget<'a> {
    canaries: &'a Mutex<BTreeMap<String, mpsc::Sender<ShardId>>>,
    text: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.canaries).remove(self.text);
    }
}

/// Reads `S:cN.M`: the shard, the slot and its life.
fn connection_named(name: &str) -> Option<(u16, ConnId)> {
    let (shard, conn) = name.split_once(":c")?;
    let (slot, life) = conn.split_once('.')?;
    Some((shard.parse().ok()?, ConnId::new(slot.parse().ok()?, life.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_found_by_the_name_they_are_given() {
        let conn = ConnId::new(7, 3);
        assert_eq!(connection_named(&format!("2:{conn}")), Some((2, conn)));
        for text in ["", "2", "2:7.3", "2:c7", "x:c7.3", "2:c7.x", "2:c-1.0"] {
            assert_eq!(connection_named(text), None, "{text}");
        }
    }
}
