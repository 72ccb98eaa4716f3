//! All sockets are lost at once, and everyone comes back for what they have missed.

use std::{
    io,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cost::cpu,
    desk::Desk,
    options::Options,
    returning::{Returning, unexpected},
    scenario::{each, tell},
};

/// Said while everyone is there, so that places are not the beginning of the log.
const BEFORE: usize = 5;

/// Newcomers whose cost is not counted: caches and allocators settle.
const FIRST_PEOPLE: usize = 300;

/// Sessions are kept on disk within a second; a crash before that costs them, not what is in logs.
const KEPT_WITHIN: Duration = Duration::from_secs(2);

/// Plays a storm. With a command to restart it the server is killed in between.
pub(crate) fn storm(options: &Options) -> io::Result<()> {
    let mut crowd = Returning::new(options)?;
    crowd.come(0..FIRST_PEOPLE)?;
    let before = cpu(options.pid)?;
    let (first_took, ()) = timed(|| crowd.come(FIRST_PEOPLE..options.members))?;
    let count = (options.members - FIRST_PEOPLE) as u64;
    let first = each(cpu(options.pid)?.saturating_sub(before), count);

    crowd.publish(BEFORE)?;
    crowd.hear_all()?;
    crowd.floor.settle(KEPT_WITHIN, |_, said| Err(unexpected(said)))?;

    let is_killed = !options.restart.is_empty();
    let server = if is_killed { miss_and_kill(&mut crowd)? } else { miss(&mut crowd)? };
    let before = cpu(server.pid)?;
    let (took, ()) = timed(|| crowd.come(0..options.members))?;
    let again = each(cpu(server.pid)?.saturating_sub(before), options.members as u64);
    // Whoever is back goes on hearing what is said, in its place.
    crowd.publish(BEFORE)?;
    crowd.hear_all()?;

    let what = match is_killed {
        true => "kill -9 and restart",
        false => "sockets lost",
    };
    let what = format!("{what}, {} members, {} missed", options.members, options.missed);
    tell("storm", &format!("{what}: first connect"), options, first, "µs CPU")?;
    tell("storm", &format!("{what}: reconnect"), options, again, "µs CPU")?;
    tell("storm", &format!("{what}: reconnect ÷ first"), options, again / first, "ratio")?;
    tell("storm", &format!("{what}: all come first"), options, first_took, "s")?;
    tell("storm", &format!("{what}: all are back"), options, took, "s")?;
    let share = crowd.resumed as f64 / options.members as f64 * 100.0;
    tell("storm", &format!("{what}: sessions that go on"), options, share, "%")?;
    if is_killed {
        let started = server.started_in.as_secs_f64();
        tell("storm", &format!("{what}: until it listens"), options, started, "s")?;
    }
    Ok(())
}

/// The server that people come back to.
struct Server {
    pid: u32,
    started_in: Duration,
    /// Ends with us, if we have started it.
    child: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself, and then there is nothing to end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Everyone's sockets are lost; then something is said.
fn miss(crowd: &mut Returning<'_>) -> io::Result<Server> {
    crowd.lose_all();
    Desk::open(crowd.options)?.see_members(0)?;
    crowd.publish(crowd.options.missed)?;
    Ok(Server { pid: crowd.options.pid, started_in: Duration::ZERO, child: None })
}

/// Something is said, and confirmed; then the server is killed before anyone has read it.
fn miss_and_kill(crowd: &mut Returning<'_>) -> io::Result<Server> {
    crowd.publish(crowd.options.missed)?;
    let pid = i32::try_from(crowd.options.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("--pid names no process"))?;
    kill_process(pid, Signal::KILL)?;
    crowd.lose_all();
    restart(crowd.options)
}

/// Starts the server again and waits until it listens.
fn restart(options: &Options) -> io::Result<Server> {
    let began = Instant::now();
    let mut words = options.restart.split_whitespace();
    let program = words.next().ok_or_else(|| io::Error::other("no command to restart"))?;
    let quiet = || Stdio::null();
    let child = Command::new(program).args(words).stdout(quiet()).stderr(quiet()).spawn()?;
    let pid = child.id();
    let mut server = Server { pid, started_in: Duration::ZERO, child: Some(child) };
    while std::net::TcpStream::connect(options.at).is_err() {
        if Duration::from_secs(20) < began.elapsed() {
            return Err(io::Error::other("the server did not start again"));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    server.started_in = began.elapsed();
    Ok(server)
}

fn timed<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<(f64, T)> {
    let began = Instant::now();
    let done = act()?;
    Ok((began.elapsed().as_secs_f64(), done))
}
