//! The command line. Long options only; every mistake says what to do instead.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

/// An authenticated real-time gateway in front of any backend.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the gate.
    Run(Run),
    /// Read the configuration, tell every fault at once, and do nothing else.
    Check(Check),
    /// Make a token, for development and tests.
    Token(Token),
    /// Look after what is kept on disk. Works while the gateway runs.
    #[command(subcommand)]
    Store(Store),
}

/// What can be done with a store.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Say how much is kept, and where it is.
    Stats(Place),
    /// Read everything and compare its checksums.
    Verify(Place),
    /// Copy it to a new file, as it is at one moment.
    Backup(Backup),
}

#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The directory with `tidegate.db`: `server.data_dir` of the configuration.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The copy. There must be nothing yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Listen here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Add a login for everyone and data to play with. Never in production.
    #[arg(long)]
    pub(crate) dev: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Token {
    /// Whom the token names.
    #[arg(long)]
    pub(crate) user: String,
    /// The claim that names the user. `user_id` becomes a number where it can.
    #[arg(long, value_name = "NAME", default_value = "sub")]
    pub(crate) user_claim: String,
    /// More claims, as a JSON object.
    #[arg(long, value_name = "JSON")]
    pub(crate) claims: Option<String>,
    /// How long it is good for: 30s, 10m, 1h, 7d.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub(crate) ttl: Duration,
    /// A file with the secret. Without it, the environment's `TIDEGATE_SECRET`.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err("write it like 30s, 10m, 1h or 7d".to_owned()),
    };
    let count: u64 = count.parse().map_err(|_| "write it like 30s, 10m, 1h or 7d".to_owned())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("2h").unwrap(), Duration::from_secs(7200));
        for text in ["", "5", "h", "1.5h", "-1s", "1 h", "1y", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
