//! The scenarios. Each prints lines of `scenario, what, server, figure, unit`, between tabs.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    cost::{cpu, resident},
    options::{Options, Pace, Tokens},
    returning::{Returning, unexpected},
    room::{presence, receipts, typing},
    stage::Stage,
    storm::storm,
};

/// Traffic before anything is counted: caches, allocators and just-in-time compilers settle.
const WARM_UP: Duration = Duration::from_secs(1);

/// Memory is read after this much quiet.
const SETTLING: Duration = Duration::from_secs(3);

/// Syncs that are timed.
const SYNCS: usize = 1000;

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
        "subscribed" => subscribed(options),
        "publish" => publish(options),
        "latency" => latency(options),
        "growth" => growth(options),
        "storm" => storm(options),
        "receipts" => receipts(options),
        "typing" => typing(options),
        "presence" => presence(options),
        "sync" => sync(options),
        _ => Err(io::Error::other(
            "scenarios: fanout handshake idle subscribed publish latency growth storm receipts \
             typing presence sync",
        )),
    }
}

pub(crate) fn tell(
    scenario: &str,
    what: &str,
    options: &Options,
    figure: f64,
    unit: &str,
) -> io::Result<()> {
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
    let what = labelled(options, what);
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
    let (room, via) = (&options.room, options.via);
    let what = format!("{room}, {via:?}, {} B, {:?}", options.bytes, options.pace);
    tell("publish", &what, options, each(spent, played.publications), "µs")?;
    let per_second = played.publications as f64 / played.took.as_secs_f64() / 1000.0;
    tell("publish: confirmed", &what, options, per_second, "k/s")?;
    for share in [50, 99] {
        let wait = at_share(&played.waits, share);
        tell(&format!("publish: answer, {share} %"), &what, options, wait, "ms")?;
    }
    Ok(())
}

/// The wait that so many of a hundred do not exceed, in milliseconds.
fn at_share(sorted: &[Duration], share: usize) -> f64 {
    let index = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
}

/// What one sync of four fresh KiB takes in the directory that is now: the price of a promise.
fn sync(options: &Options) -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("sync-{}", std::process::id()));
    let mut file = File::create_new(&path)?;
    let mut took = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    fs::remove_file(&path)?;
    took.sort_unstable();
    for share in [50, 99] {
        let figure = at_share(&took, share);
        tell("sync", &format!("4 KiB, {share} %"), options, figure, "ms")?;
    }
    Ok(())
}

/// How long until the last member has it, where there is nothing else to do.
fn latency(options: &Options) -> io::Result<()> {
    let options = &Options { pace: Pace::PerSecond(20.0), ..options.clone() };
    let mut stage = in_the_room(options)?;
    stage.play(WARM_UP)?;
    let played = stage.play(options.lasting)?;
    for share in [50, 99] {
        let what = format!("to the last of {}, {share} %", options.members);
        tell("latency", &what, options, at_share(&played.latencies, share), "ms")?;
    }
    Ok(())
}

/// What a connection costs from accept to being a member.
fn handshake(options: &Options) -> io::Result<()> {
    let mut stage = Stage::new(options)?;
    let first = stage.invite(&rooms(options, FIRST_PEOPLE))?;
    stage.gather(&first, true)?;
    let targets = stage.invite(&rooms(options, options.members))?;
    let before = cpu(options.pid)?;
    for wave in targets.chunks(WAVE) {
        stage.gather(wave, true)?;
    }
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = match options.tokens {
        _ if !options.label.is_empty() => &options.label,
        Tokens::None => "without token",
        Tokens::Few => "tokens seen before",
        Tokens::Distinct => "distinct tokens",
    };
    tell("handshake", what, options, each(spent, targets.len() as u64), "µs")
}

/// What a connection that says nothing costs in memory.
fn idle(options: &Options) -> io::Result<()> {
    let mut stage = Stage::new(options)?;
    let first = stage.invite(&rooms(options, FIRST_PEOPLE))?;
    stage.gather(&first, true)?;
    let targets = stage.invite(&rooms(options, options.members))?;
    stage.settle(SETTLING)?;
    let before = resident(options.pid)?;
    for wave in targets.chunks(WAVE) {
        stage.gather(wave, true)?;
    }
    stage.settle(SETTLING)?;
    let grown = resident(options.pid)?.saturating_sub(before);
    let what = labelled(options, format!("{} in {}", options.members, options.room));
    tell("idle", &what, options, grown as f64 / options.members as f64, "B/connection")
}

/// The same of one that speaks the native dialect and has subscribed by itself.
fn subscribed(options: &Options) -> io::Result<()> {
    let all = FIRST_PEOPLE + options.members;
    let everyone = Options { members: all, ..options.clone() };
    let mut crowd = Returning::new(&everyone)?;
    crowd.come(0..FIRST_PEOPLE)?;
    crowd.floor.settle(SETTLING, |_, said| Err(unexpected(said)))?;
    let before = resident(options.pid)?;
    crowd.come(FIRST_PEOPLE..all)?;
    crowd.floor.settle(SETTLING, |_, said| Err(unexpected(said)))?;
    let grown = resident(options.pid)?.saturating_sub(before);
    let what = format!("{} in {}, native", options.members, options.room);
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
    let targets = stage.invite(&rooms(options, options.members))?;
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
    let targets = stage.invite(&rooms(options, options.members))?;
    stage.gather(&targets, true)?;
    // Last, because a server closes a connection on which nothing is asked for a while.
    stage.hire_backend()?;
    Ok(stage)
}

/// What a figure is called: by its options, behind the label if it has one.
fn labelled(options: &Options, what: String) -> String {
    if options.label.is_empty() { what } else { format!("{}: {what}", options.label) }
}

fn rooms(options: &Options, count: usize) -> Vec<String> {
    vec![options.room.clone(); count]
}

pub(crate) fn each(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count.max(1) as f64
}
