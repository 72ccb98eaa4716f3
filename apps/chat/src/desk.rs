//! The chat's thread: whoever wants something of the book asks here, and waits for their turn.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use proto::{Code, Refusal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{book::Book, seats::Seats, store::OpenError};

/// What the thread keeps.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) book: Book,
    pub(crate) seats: Seats,
}

/// Ends its thread, after what was asked before, when dropped.
#[derive(Debug)]
pub(crate) struct Desk {
    questions: mpsc::Sender<Question>,
}

type Question = Box<dyn FnOnce(&mut Room) + Send>;

impl Desk {
    /// Questions that may wait. At some 50 microseconds for most and a few milliseconds for what
    /// is written to the disk, the last of them is answered within a few seconds; more would only
    /// be answered too late.
    const QUESTIONS_MAX: usize = 1024;

    /// Opens the book and runs the thread. When [`Book::wake`] is due is told to the receiver,
    /// which ends with the thread.
    pub(crate) fn open(data_dir: &Path) -> Result<(Self, watch::Receiver<Option<i64>>), OpenError> {
        let mut room = Room { book: Book::open(data_dir)?, seats: Seats::default() };
        let (questions, mut asked): (mpsc::Sender<Question>, _) =
            mpsc::channel(Self::QUESTIONS_MAX);
        let (due, when_due) = watch::channel(None);
        let run = move || {
            while let Some(question) = asked.blocking_recv() {
                // A bug in one question ends that question; its transaction is rolled back as the
                // stack unwinds.
                if catch_unwind(AssertUnwindSafe(|| question(&mut room))).is_err() {
                    tracing::error!("a question to the chat panicked");
                }
                let wakes_at = room.book.wakes_at();
                due.send_if_modified(|it| std::mem::replace(it, wakes_at) != wakes_at);
            }
        };
        thread::Builder::new()
            .name("chat".to_owned())
            .spawn(run)
            .map_err(|source| OpenError::Thread { source })?;
        Ok((Self { questions }, when_due))
    }

    /// Asks for something. `BUSY` when too much waits; `APP_FAILED` when the database failed, which
    /// is logged here, once.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Room) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (told, answer) = oneshot::channel();
        // Whoever asked may have left meanwhile; the answer is then nobody's.
        let question: Question = Box::new(move |room| drop(told.send(question(room))));
        self.questions.try_send(question).map_err(|fault| match fault {
            mpsc::error::TrySendError::Full(_) => Refusal::new(Code::Busy),
            mpsc::error::TrySendError::Closed(_) => Refusal::new(Code::AppFailed),
        })?;
        Self::answered(answer).await
    }

    /// The same for what must not be lost, however much waits: somebody has come or gone, which
    /// there are no more of than connections.
    pub(crate) async fn insist<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Room) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (told, answer) = oneshot::channel();
        let question: Question = Box::new(move |room| drop(told.send(question(room))));
        let sent = self.questions.send(question).await;
        sent.map_err(|_| Refusal::new(Code::AppFailed))?;
        Self::answered(answer).await
    }

    async fn answered<T>(answer: oneshot::Receiver<rusqlite::Result<T>>) -> Result<T, Refusal> {
        let answer = answer.await.map_err(|_| Refusal::new(Code::AppFailed))?;
        answer.map_err(|fault| {
            tracing::warn!(%fault, "the chat's database failed");
            Refusal::new(Code::AppFailed)
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bug_in_one_question_is_not_the_end_of_the_next() {
        let dir = std::env::temp_dir().join(format!("chat-desk-{}", std::process::id()));
        let (desk, _) = Desk::open(&dir).unwrap();
        let bug = desk.ask(|_| -> rusqlite::Result<()> { panic!("as intended") }).await;
        assert_eq!(bug.unwrap_err().code, Code::AppFailed);
        assert_eq!(desk.ask(|_| Ok(7)).await, Ok(7));
        let fault = || rusqlite::Error::InvalidQuery;
        let failure = desk.ask(move |_| Err::<(), _>(fault())).await.unwrap_err();
        assert_eq!(failure, Refusal::new(Code::AppFailed), "told without its reasons");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[tokio::test]
    async fn when_too_much_waits_the_next_is_told_busy() {
        let dir = std::env::temp_dir().join(format!("chat-busy-{}", std::process::id()));
        let (desk, _) = Desk::open(&dir).unwrap();
        let (go, gate) = std::sync::mpsc::sync_channel::<()>(1);
        let (begun, running) = oneshot::channel();
        let first = desk.ask(move |_| {
            begun.send(()).expect("the test waits for it");
            Ok(gate.recv().is_ok())
        });
        let flood = async {
            running.await.unwrap();
            let mut queued: Vec<_> = Vec::new();
            for _ in 0..Desk::QUESTIONS_MAX {
                let question: Question = Box::new(|_| ());
                queued.push(desk.questions.try_send(question));
            }
            assert!(queued.iter().all(Result::is_ok));
            assert_eq!(desk.ask(|_| Ok(())).await.unwrap_err().code, Code::Busy);
            go.send(()).unwrap();
        };
        let (first, ()) = tokio::join!(first, flood);
        assert_eq!(first, Ok(true));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
