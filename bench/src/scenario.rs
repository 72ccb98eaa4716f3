//! The scenarios. Each prints lines of `scenario, what, server, figure, unit`, between tabs.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    cost::{cpu, resident},
    options::{Options, Pace, Tokens},
    stage::{ROOM, Stage},
};

/// Traffic before anything is counted: caches, allocators and just-in-time compilers settle.
const WARM_UP: Duration = Duration::from_secs(1);

/// Memory is read after this much quiet.
const SETTLING: Duration = Duration::from_secs(3);

/// People who come in and stay before memory or handshakes are counted.
const FIRST_PEOPLE: usize = 300;

/// In one wave of newcomers.
const WAVE: usize = 500;

/// Plays one scenario against a running server.
///
/// # Errors
/// When the server refuses, is silent, closes, or delivers anything but what was published.
pub fn run(name: &str, options: &Options) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    match name {
        "fanout" => fan_out(options),
        "handshake" => handshake(options),
        "idle" => idle(options),
        "publish" => publish(options),
        "latency" => latency(options),
        "growth" => growth(options),
        _ => Err(io::Error::other("scenarios: fanout handshake idle publish latency growth")),
    }
}

fn tell(scenario: &str, what: &str, options: &Options, figure: f64, unit: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{scenario}\t{what}\t{}\t{figure:.3}\t{unit}", options.server)
}

/// What one publication costs the server for each member who gets it.
fn fan_out(options: &Options) -> io::Result<()> {
    let mut stage = in_the_room(options)?;
    stage.play(WARM_UP)?;
    let before = cpu(options.pid)?;
    let played = stage.play(options.lasting)?;
    let spent = cpu(options.pid)?.saturating_sub(before);
    let pace = match options.pace {
        Pace::PerSecond(rate) => format!("{rate}/s"),
        Pace::InFlight(count) => format!("{count} in flight"),
    };
    let what = format!("{} members, {} B, {pace}", options.members, options.bytes);
    tell("fanout", &what, options, each(spent, played.deliveries), "µs/delivery")?;
    let per_second = played.deliveries as f64 / played.took.as_secs_f64() / 1000.0;
    tell("fanout rate", &what, options, per_second, "k/s")
}

/// What one publication costs the server from request to answer, with hardly anyone to deliver to.
fn publish(options: &Options) -> io::Result<()> {
    let options = &Options { members: 1, ..options.clone() };
    let mut stage = in_the_room(options)?;
    stage.play(WARM_UP)?;
    let before = cpu(options.pid)?;
    let played = stage.play(options.lasting)?;
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = format!("one member, {} B, {:?}", options.bytes, options.pace);
    tell("publish", &what, options, each(spent, played.publications), "µs")
}

/// How long until the last member has it, where there is nothing else to do.
fn latency(options: &Options) -> io::Result<()> {
    let options = &Options { pace: Pace::PerSecond(20.0), ..options.clone() };
    let mut stage = in_the_room(options)?;
    stage.play(WARM_UP)?;
    let played = stage.play(options.lasting)?;
    for share in [50, 99] {
        let index = (played.latencies.len() * share / 100).min(played.latencies.len() - 1);
        let what = format!("to the last of {}, {share} %", options.members);
        tell("latency", &what, options, played.latencies[index].as_secs_f64() * 1e3, "ms")?;
    }
    Ok(())
}

/// What a connection costs from accept to being a member.
fn handshake(options: &Options) -> io::Result<()> {
    let mut stage = Stage::new(options)?;
    let first = stage.invite(&rooms(FIRST_PEOPLE))?;
    stage.gather(&first, true)?;
    let targets = stage.invite(&rooms(options.members))?;
    let before = cpu(options.pid)?;
    for wave in targets.chunks(WAVE) {
        stage.gather(wave, true)?;
    }
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = match options.tokens {
        _ if !options.label.is_empty() => &options.label,
        Tokens::None => "without token",
        Tokens::One => "the same token",
        Tokens::Distinct => "distinct tokens",
    };
    tell("handshake", what, options, each(spent, targets.len() as u64), "µs")
}

/// What a connection that says nothing costs in memory.
fn idle(options: &Options) -> io::Result<()> {
    let mut stage = Stage::new(options)?;
    let first = stage.invite(&rooms(FIRST_PEOPLE))?;
    stage.gather(&first, true)?;
    let targets = stage.invite(&rooms(options.members))?;
    stage.settle(SETTLING)?;
    let before = resident(options.pid)?;
    for wave in targets.chunks(WAVE) {
        stage.gather(wave, true)?;
    }
    stage.settle(SETTLING)?;
    let grown = resident(options.pid)?.saturating_sub(before);
    let what = format!("{} in one channel", options.members);
    tell("idle", &what, options, grown as f64 / options.members as f64, "B/connection")
}

/// Whether a handshake or a delivery costs more where there is more of everything else.
fn growth(options: &Options) -> io::Result<()> {
    let mut stage = Stage::new(options)?;
    let others: Vec<String> =
        (0..options.bystanders).map(|it| format!("other{}", it % options.channels)).collect();
    let targets = stage.invite(&others)?;
    let (most, last) = targets.split_at(targets.len().saturating_sub(2 * WAVE));
    for wave in most.chunks(WAVE) {
        stage.gather(wave, false)?;
    }
    let before = cpu(options.pid)?;
    for wave in last.chunks(WAVE) {
        stage.gather(wave, false)?;
    }
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = format!("{} connections in {} channels", options.bystanders, options.channels);
    tell("growth: handshake", &what, options, each(spent, last.len() as u64), "µs")?;
    let targets = stage.invite(&rooms(options.members))?;
    stage.gather(&targets, true)?;
    stage.hire_backend()?;
    stage.play(WARM_UP)?;
    let before = cpu(options.pid)?;
    let played = stage.play(options.lasting)?;
    let spent = cpu(options.pid)?.saturating_sub(before);
    tell("growth: fanout", &what, options, each(spent, played.deliveries), "µs/delivery")
}

fn in_the_room(options: &Options) -> io::Result<Stage<'_>> {
    let mut stage = Stage::new(options)?;
    let targets = stage.invite(&rooms(options.members))?;
    stage.gather(&targets, true)?;
    // Last, because a server closes a connection on which nothing is asked for a while.
    stage.hire_backend()?;
    Ok(stage)
}

fn rooms(count: usize) -> Vec<String> {
    vec![ROOM.to_owned(); count]
}

fn each(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count.max(1) as f64
}
