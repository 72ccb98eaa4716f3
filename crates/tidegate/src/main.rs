//! The binary: reads the command line, introduces the crates to each other, decides nothing.

mod boot; // What a process is made of. Then: driver.
mod cli;
mod driver;
mod fetch;
mod ground;
mod hall;
mod hub;
mod inbox;
mod keeper;
mod polling;
mod run;
mod sockets;
mod store_command;
mod tls;
mod token_command;

use std::{error::Error, process::ExitCode};

use clap::Parser;

use crate::cli::{Cli, Command};

/// What shells and init systems read as "used wrongly".
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(arguments) => told(run::run(&arguments)),
        Command::Check(arguments) => check(&arguments),
        Command::Token(arguments) => told(token_command::token(&arguments)),
        Command::Store(command) => store_command::store(&command),
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command answers on the terminal")]
fn check(arguments: &cli::Check) -> ExitCode {
    match config::load(&arguments.config) {
        Ok(config) => {
            for warning in &config.warnings {
                eprintln!("warning: {warning}");
            }
            println!("{}", config::most_memory(&config, boot::cores()));
            println!("{}: good", arguments.config.display());
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{}", chain(&fault));
            ExitCode::from(USAGE)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the log may not be up, or gone")]
fn told<E: Error>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tidegate: {}", chain(&failure));
            ExitCode::FAILURE
        }
    }
}

/// A failure with its causes: what was being done, to what, and why it did not work.
fn chain(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
