//! `tidegate store`: looking after what is kept, also beside a running gateway.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use store::InspectError;

use crate::cli::{Backup, Store};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command answers on the terminal")]
pub(crate) fn store(command: &Store) -> ExitCode {
    let outcome = match command {
        Store::Stats(place) => store::stats(&place.data_dir).map(|stats| {
            println!("{stats}");
            ExitCode::SUCCESS
        }),
        Store::Verify(place) => store::verify(&place.data_dir).map(|report| {
            println!("{report}");
            if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }),
        Store::Backup(backup) => copy(backup).map(|()| {
            println!("{} is a copy of the store", backup.to.display());
            ExitCode::SUCCESS
        }),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("tidegate: {}", crate::chain(&failure));
        ExitCode::FAILURE
    })
}

/// Shows how far it is, where somebody looks.
fn copy(backup: &Backup) -> Result<(), InspectError> {
    let is_watched = io::stderr().is_terminal();
    let progress = |done: u64, all: u64| {
        if is_watched {
            // A terminal that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r{:>3} %", 100 * done / all.max(1));
            let _ = io::stderr().flush();
        }
    };
    let outcome = store::backup(&backup.place.data_dir, &backup.to, progress);
    if is_watched {
        let _ = writeln!(io::stderr());
    }
    outcome
}
