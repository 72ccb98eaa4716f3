//! A backend that publishes over connections it keeps.

mod line;

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::Registry;

use self::line::Line;
use crate::options::{Options, Via};

/// Connections of one backend, each with at most one publication that is not answered.
#[derive(Debug)]
pub(crate) struct Backend {
    lines: Vec<Line>,
    /// When the last publication of each line was sent.
    sent_at: Vec<Instant>,
    /// The one that has rested longest first: servers close connections that are not used.
    idle: VecDeque<usize>,
    answers: u64,
    /// How long answers took, in the order in which they came.
    pub(crate) waits: Vec<Duration>,
}

impl Backend {
    /// One that has no connections yet.
    pub(crate) const fn none() -> Self {
        Self {
            lines: Vec::new(),
            sent_at: Vec::new(),
            idle: VecDeque::new(),
            answers: 0,
            waits: Vec::new(),
        }
    }

    /// Opens `count` connections, known to the poll from `first` on. `target` names what a native
    /// line asks for. They are free once the server has let them in.
    pub(crate) fn connect(
        options: &Options,
        count: usize,
        target: impl Fn(usize) -> io::Result<String>,
        first: usize,
        registry: &Registry,
    ) -> io::Result<Self> {
        let at: SocketAddr = options.at;
        let open = |index| {
            let mut line = match options.via {
                Via::Http => Line::http(at, &options.api_key)?,
                Via::Native => Line::native(at, &target(index)?, index)?,
            };
            line.register(registry, first + index)?;
            Ok(line)
        };
        let lines = (0..count).map(open).collect::<io::Result<Vec<_>>>()?;
        let idle = (0..count).filter(|it| lines[*it].is_open()).collect();
        Ok(Self { sent_at: vec![Instant::now(); count], idle, lines, ..Self::none() })
    }

    pub(crate) fn is_free(&self) -> bool {
        !self.idle.is_empty()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.idle.len() == self.lines.len()
    }

    /// Publications that were answered.
    pub(crate) const fn answers(&self) -> u64 {
        self.answers
    }

    /// Publishes on a connection that has nothing else to do.
    pub(crate) fn publish(&mut self, channel: &str, data: &[u8]) -> io::Result<()> {
        let index = self.idle.pop_front().ok_or_else(|| io::Error::other("all lines are busy"))?;
        self.sent_at[index] = Instant::now();
        self.lines[index].publish(channel, data)
    }

    /// Reads what the server answered on a line.
    pub(crate) fn read(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        let was_open = self.lines[index].is_open();
        if self.lines[index].read(buffer)? {
            self.idle.push_back(index);
            if was_open {
                self.answers += 1;
                self.waits.push(self.sent_at[index].elapsed());
            }
        }
        Ok(())
    }
}
