//! Runs one shard on one thread: wait, hear, decide, carry out, write.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant, SystemTime},
};

use engine::Rules;
use net::Net;
use proto::{Code, UnixTime};
use tracing::error;

use crate::{ground::Ground, hall::Hall, sockets::Sockets};

/// Failures within [`FAILURES_IN`] that end the process: starting afresh does not help then (F16).
const FAILURES_MAX: usize = 3;
const FAILURES_IN: Duration = Duration::from_secs(60);

/// Epochs that one engine may use up before the next one's begin.
const EPOCHS: u64 = 1 << 32;

pub(crate) struct Driver {
    net: Net,
    hall: Hall,
}

/// Runs a shard until it has parted with everyone, replacing what fails. Says when it is `opened`:
/// whoever connects then is not refused.
///
/// # Errors
/// When the operating system fails us, or we fail ourselves too often.
pub(crate) fn run(
    ground: &Arc<Ground>,
    rules: &Rules,
    sockets: &Sockets,
    opened: SyncSender<()>,
) -> io::Result<()> {
    let mut failures: Vec<Instant> = Vec::new();
    let mut rules = rules.clone();
    let mut driver = Driver::new(ground, &rules, sockets, 0)?;
    // There is room for all shards, and whoever waits does so for each of them.
    let _ = opened.send(());
    drop(opened);
    loop {
        let outcome = catch_unwind(AssertUnwindSafe(|| driver.run()));
        if let Ok(done) = outcome {
            return done;
        }
        error!(shard = rules.shard.0, "the shard has failed; it starts afresh");
        driver.abandon();
        if driver.hall.is_draining() {
            return Ok(());
        }
        failures.retain(|it| it.elapsed() < FAILURES_IN);
        failures.push(Instant::now());
        if FAILURES_MAX <= failures.len() {
            return Err(io::Error::other("the shard failed three times in a minute"));
        }
        // Logs in memory are gone, and what takes their place must not be taken for them.
        rules.epoch_seed = rules.epoch_seed.wrapping_add(EPOCHS);
        driver = Driver::new(ground, &rules, sockets, driver.net.next_life())?;
        driver.hall.take_over(&mut driver.net);
    }
}

impl Driver {
    fn new(
        ground: &Arc<Ground>,
        rules: &Rules,
        sockets: &Sockets,
        first_life: u32,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let net = sockets.open(first_life, now)?;
        let wall = UnixTime::from(SystemTime::now());
        let hall = Hall::new(Arc::clone(ground), rules.clone(), now, wall);
        ground.hub.inbox(rules.shard).belongs_to(net.waker());
        Ok(Self { net, hall })
    }

    fn run(&mut self) -> io::Result<()> {
        // Goodbyes are read and answered before the sockets close, or a reset would overtake them.
        while !self.hall.is_drained() || self.net.has_leaving() {
            self.turn()?;
        }
        Ok(())
    }

    /// One turn: everything that has arrived, all it leads to, one write per socket.
    fn turn(&mut self) -> io::Result<()> {
        let Self { net, hall } = self;
        net.wait(hall.wakes_at(), Instant::now())?;
        hall.begin(Instant::now(), SystemTime::now());
        net.listen(hall.now(), hall);
        hall.read_inbox(net);
        hall.wake(net);
        hall.deliver(net);
        net.flush(hall);
        hall.submit(net);
        hall.send_out();
        hall.count(net);
        Ok(())
    }

    /// A bug ended the shard: its connections come back to a fresh one.
    fn abandon(&mut self) {
        let code = Code::ShardFailed;
        // What failed once may fail again while it is given up.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            self.hall.abandon();
            self.net.abandon(code.close(), code.sentence());
        }));
    }
}

#[cfg(test)]
mod tests;
