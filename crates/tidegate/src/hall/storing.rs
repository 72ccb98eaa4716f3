//! What the engine asks the store, and what the store answers.

use std::{collections::HashMap, sync::Arc};

use engine::{AskedBy, Class, Input, Loaded, Moved, Task, Ticket, Wish};
use net::Net;
use proto::{ChannelName, Code, Epoch, Kind, LogHead, Offset, Page, Placed};
use store::{Answer, Fault, Job, Listener, ReadFault, Token, Writer};

use super::Hall;
use crate::inbox::{Inbox, Note};

/// A shard's dealings with the store.
pub(crate) struct Desk {
    writer: Writer,
    /// This turn's jobs.
    jobs: Vec<(Token, Job)>,
    /// What is outstanding. As many as the store's queues take.
    asked: HashMap<Token, Asked>,
    next: u64,
}

/// What a token stands for.
enum Asked {
    Load(ChannelName),
    Append(ChannelName, Placed),
    Move(ChannelName, Moved),
    Erase(ChannelName, Ticket),
    Find(ChannelName, Epoch, Wish, AskedBy),
}

/// Puts the store's answers into the shard's inbox.
pub(crate) struct ToInbox(pub(crate) Arc<Inbox>);

impl Listener for ToInbox {
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>) {
        self.0.answer(Note::Stored(answers));
    }

    fn found(&self, token: Token, page: Result<Page, ReadFault>) {
        self.0.answer(Note::Found(token, page));
    }
}

impl Desk {
    /// `life` is a number that no earlier desk of the process had, so that what was asked by a
    /// shard that failed is answered to nobody.
    pub(crate) fn new(writer: Writer, life: u32) -> Self {
        let next = u64::from(life) << 40;
        Self { writer, jobs: Vec::new(), asked: HashMap::new(), next }
    }

    fn token(&mut self, asked: Asked) -> Token {
        self.next += 1;
        self.asked.insert(Token(self.next), asked);
        Token(self.next)
    }

    fn job(&mut self, asked: Asked, job: Job) {
        let token = self.token(asked);
        self.jobs.push((token, job));
    }
}

impl Hall {
    pub(super) fn ask_store(&mut self, net: &mut Net, task: Task) {
        let desk = &mut self.desk;
        match task {
            Task::Load { channel } => {
                desk.job(Asked::Load(channel.clone()), Job::Load { channel });
            }
            Task::Append { publication, key, class } => {
                let Kind::Message(at) = publication.kind else { return };
                let class = match class {
                    Class::Sync => store::Class::Sync,
                    Class::Interval => store::Class::Interval,
                };
                let asked = Asked::Append(publication.channel.clone(), at);
                desk.job(asked, Job::Append { publication, key, class });
            }
            Task::Move { channel, moved } => {
                let (reader, to) = (moved.reader.clone(), moved.cursor);
                let job = Job::MoveCursor { channel: channel.clone(), reader, to };
                desk.job(Asked::Move(channel, moved), job);
            }
            Task::Erase { channel, ticket } => {
                let job = Job::Erase { channel: channel.clone() };
                desk.job(Asked::Erase(channel, ticket), job);
            }
            Task::Locate { channel, epoch, row, joined, asked_by } => {
                let stood_at = desk.writer.last_until(&channel, epoch, row);
                self.tell(net, Input::Located { channel, epoch, stood_at, joined, asked_by });
            }
            Task::Find { channel, epoch, span, messages_max, bytes_max, wish, asked_by } => {
                let asked = Asked::Find(channel.clone(), epoch, wish, asked_by);
                let token = desk.token(asked);
                let writer = &desk.writer;
                let asked = writer.read(token, channel, epoch, span, messages_max, bytes_max);
                if asked.is_err() {
                    self.tell_found(net, token, Err(Code::Busy));
                }
            }
        }
    }

    /// Hands this turn's jobs to the store, all at once.
    pub(crate) fn submit(&mut self, net: &mut Net) {
        while !self.desk.jobs.is_empty() {
            let jobs = std::mem::take(&mut self.desk.jobs);
            let tokens: Vec<Token> = jobs.iter().map(|it| it.0).collect();
            if self.desk.writer.submit(jobs).is_ok() {
                return;
            }
            // What is said of that may lead to more jobs.
            for token in tokens {
                self.tell_stored(net, token, Err(Code::Busy));
            }
        }
    }

    pub(super) fn stored(&mut self, net: &mut Net, answers: Vec<(Token, Result<Answer, Fault>)>) {
        for (token, answer) in answers {
            let answer = answer.map_err(|fault| match fault {
                Fault::TooMany => Code::Busy,
                Fault::OutOfOrder | Fault::Unavailable => Code::StoreUnavailable,
            });
            self.tell_stored(net, token, answer);
        }
    }

    fn tell_stored(&mut self, net: &mut Net, token: Token, answer: Result<Answer, Code>) {
        let Some(asked) = self.desk.asked.remove(&token) else { return };
        let input = match asked {
            Asked::Load(channel) => Input::Loaded { channel, loaded: answer.map(loaded) },
            Asked::Append(channel, at) => Input::Appended { channel, at, outcome: answer.map(row) },
            Asked::Move(channel, moved) => {
                Input::Moved { channel, moved, outcome: answer.map(drop) }
            }
            Asked::Erase(channel, ticket) => {
                Input::Erased { channel, ticket, outcome: answer.map(drop) }
            }
            Asked::Find(..) => return,
        };
        self.tell(net, input);
    }

    pub(super) fn found(&mut self, net: &mut Net, token: Token, page: Result<Page, ReadFault>) {
        let page = match page {
            Ok(page) => Ok(page),
            Err(ReadFault::Unknown) => match self.desk.asked.get(&token) {
                // It has been erased meanwhile, or never had a message.
                Some(Asked::Find(_, epoch, ..)) => Ok(nothing(*epoch)),
                Some(_) | None => return,
            },
            Err(ReadFault::Damaged | ReadFault::Unavailable) => Err(Code::StoreUnavailable),
        };
        self.tell_found(net, token, page);
    }

    fn tell_found(&mut self, net: &mut Net, token: Token, page: Result<Page, Code>) {
        if let Some(Asked::Find(channel, epoch, wish, asked_by)) = self.desk.asked.remove(&token) {
            self.tell(net, Input::Found { channel, epoch, wish, asked_by, page });
        }
    }
}

/// Which row a message has got.
fn row(answer: Answer) -> u64 {
    match answer {
        Answer::Appended { row } => row,
        Answer::Loaded(_) | Answer::Done => 0,
    }
}

fn loaded(answer: Answer) -> Option<Loaded> {
    let Answer::Loaded(Some(it)) = answer else { return None };
    Some(Loaded { head: it.head, time: it.time_last, cursors: it.cursors, keys: it.keys })
}

fn nothing(epoch: Epoch) -> Page {
    let at = Placed { epoch, offset: Offset(0) };
    Page { head: LogHead { at, first: Offset(1) }, messages: Vec::new() }
}
