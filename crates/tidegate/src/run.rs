//! `tidegate run`: the life of a process, from reading its configuration to its last goodbye.

use std::{
    io::{self, IsTerminal as _},
    net::SocketAddr,
    time::Duration,
};

use config::{Config, Format};
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::{
    boot::{self, BootError, House},
    cli::Run,
    inbox::Note,
};

/// From falling readiness to taking nobody in: what load balancers need to look away (L2).
const NOTICE: Duration = Duration::from_secs(1);

#[derive(Debug, Error)]
pub(crate) enum RunError {
    // Says it all by itself: one line for each fault.
    #[error(transparent)]
    Config(#[from] config::LoadError),
    #[error("--dev opens a login for everyone; it does not go with profile = \"production\"")]
    DevInProduction,
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("listen for signals")]
    Signals(#[source] io::Error),
    #[error("run")]
    Shard(#[source] io::Error),
}

pub(crate) fn run(arguments: &Run) -> Result<(), RunError> {
    let mut config = config::load(&arguments.config)?;
    if arguments.dev && config.profile == config::Profile::Production {
        return Err(RunError::DevInProduction);
    }
    if let Some(listen) = arguments.listen {
        config.server.listen = listen;
    }
    log_to_stderr(&config);
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let descriptors = boot::raise_descriptors();
    let memory_max = config::most_memory(&config, boot::cores()).total();
    info!(descriptors, memory_max, "the most we can use; `tidegate check` says what for");
    let runtime = boot::runtime()?;
    let outcome = runtime.block_on(live(config, arguments.dev));
    // A call of an application that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn live(config: Config, dev: bool) -> Result<(), RunError> {
    let drain = Drain { over: config.server.drain_over, within: config.server.drain_within };
    let mut signals = Signals::new().map_err(RunError::Signals)?;
    let mut house = boot::open(config, dev)?;
    announce(house.address, dev);
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Told::Stop => break,
                Told::Reload => house.reload_certificate(),
            },
            Some(ended) = house.shards.recv() => {
                // Only a failure ends a shard that was not told to.
                return ended.and(Ok(())).map_err(RunError::Shard);
            }
        }
    }
    drain.carry_out(house, &mut signals).await.map_err(RunError::Shard)
}

/// How the process parts with its clients.
struct Drain {
    over: Duration,
    within: Duration,
}

impl Drain {
    /// Readiness falls, then nobody is let in, then everyone is parted with; then what is left
    /// ends.
    ///
    /// # Errors
    /// When a shard has failed on the way.
    async fn carry_out(&self, mut house: House, signals: &mut Signals) -> io::Result<()> {
        info!(over = ?self.over, "draining");
        house.ground.monitor.drain();
        let notice = tokio::time::sleep(NOTICE);
        tokio::select! {
            () = notice => {}
            () = signals.stop() => {}
        }
        for inbox in house.ground.hub.inboxes() {
            inbox.answer(Note::Drain(self.over));
        }
        let mut outcome = Ok(());
        let all = async {
            while let Some(ended) = house.shards.recv().await {
                outcome = std::mem::replace(&mut outcome, Ok(())).and(ended);
            }
        };
        tokio::select! {
            () = all => info!("drained"),
            () = tokio::time::sleep(self.within) => {
                warn!(left = house.ground.monitor.active_connections(), "not everyone left in time");
            }
            () = signals.stop() => warn!("told twice to stop: not waiting for anyone"),
        }
        house.close().await;
        outcome
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.reload.recv() => Told::Reload,
        }
    }

    async fn stop(&mut self) {
        while !matches!(self.next().await, Told::Stop) {}
    }
}

/// What a signal means to us.
enum Told {
    Stop,
    Reload,
}

impl House {
    fn reload_certificate(&self) {
        let Some(certificate) = &self.certificate else { return };
        match certificate.reload() {
            Ok(()) => info!("certificate read again"),
            Err(failure) => {
                error!("certificate kept as it was: {}", crate::chain(&failure));
            }
        }
    }
}

fn announce(address: SocketAddr, dev: bool) {
    info!(version = env!("CARGO_PKG_VERSION"), %address, "open");
    if dev {
        warn!("started with --dev: anyone may sign in as anyone");
    }
}

fn log_to_stderr(config: &Config) {
    // Checked when it was read.
    let filter = EnvFilter::try_new(&config.log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match config.log.format {
        Format::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        Format::Json => log.json().init(),
    }
}
