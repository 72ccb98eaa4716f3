//! `load <scenario> [--name value]…`: puts load on a running server and prints what it cost.
//!
//! `load table` reads what several runs printed and prints their medians, server beside server.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use bench::Options;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let scenario = words.next().unwrap_or_default();
    let outcome = match scenario.as_str() {
        "table" => bench::print(&mut io::stdin().lock(), &mut io::stdout().lock()),
        name => Options::parse(words).and_then(|it| bench::run(name, &it)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell if this fails.
            let _ = writeln!(io::stderr(), "load {scenario}: {error}");
            ExitCode::FAILURE
        }
    }
}
