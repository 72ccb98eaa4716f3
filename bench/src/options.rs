//! What a run is told on the command line.

use std::{collections::BTreeMap, env, io, net::SocketAddr, time::Duration};

use crate::speech::Speech;

/// Which tokens people show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tokens {
    /// None at all; for servers that look at none.
    None,
    /// One of ten, so that a token was seen before; a user may have a thousand sessions.
    Few,
    /// Each their own.
    Distinct,
}

/// How publishing is paced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many a second, by the clock, whatever the server does.
    PerSecond(f64),
    /// So many on their way at any time: published, and not with every member yet.
    InFlight(usize),
}

/// How the backend publishes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Via {
    /// `POST /api/publish`, on connections that are kept.
    Http,
    /// The native dialect's `publish`, each line a connection of its own user.
    Native,
}

/// Where and how much.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) at: SocketAddr,
    pub(crate) pid: u32,
    /// Its column in the table.
    pub(crate) server: String,
    pub(crate) members: usize,
    pub(crate) bytes: usize,
    pub(crate) pace: Pace,
    pub(crate) lasting: Duration,
    /// Connections that are there and not published to, and over how many channels they are spread.
    pub(crate) bystanders: usize,
    pub(crate) channels: usize,
    pub(crate) tokens: Tokens,
    /// The channel that is published to.
    pub(crate) room: String,
    pub(crate) via: Via,
    /// What those who are published to speak.
    pub(crate) speech: Speech,
    /// Whether members are told how far the others have read.
    pub(crate) is_told: bool,
    /// Whether the load looks again and again, and never sleeps: waking it is work of whoever sends
    /// to it on the same machine, and the more the faster it reads.
    pub(crate) is_awake: bool,
    /// Publications that a crowd misses while it is away.
    pub(crate) missed: usize,
    /// The command that starts the server again once it was killed; it must not fork.
    pub(crate) restart: String,
    /// What the figure is called in the table, instead of its options or before them.
    pub(crate) label: String,
    /// What tokens are signed with.
    pub(crate) secret: Vec<u8>,
    pub(crate) api_key: String,
}

impl Options {
    /// Reads `--name value` pairs; secrets come from `TIDEGATE_SECRET` and `TIDEGATE_API_KEY`.
    ///
    /// # Errors
    /// A name without a value, an unknown name, or a value that is no number.
    pub fn parse(words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut given = pairs(words)?;
        let mut take =
            |name: &str, default: &str| given.remove(name).unwrap_or_else(|| default.to_owned());
        let rate = take("rate", "");
        let in_flight = number(&take("in-flight", "16"))?;
        let options = Self {
            at: take("at", "127.0.0.1:8000").parse().map_err(io::Error::other)?,
            pid: number(&take("pid", "0"))?,
            server: take("server", "tidegate"),
            members: number(&take("members", "1000"))?,
            bytes: number(&take("bytes", "128"))?,
            pace: match rate.as_str() {
                "" => Pace::InFlight(in_flight),
                rate => Pace::PerSecond(number(rate)?),
            },
            lasting: Duration::from_secs_f64(number(&take("seconds", "5"))?),
            bystanders: number(&take("bystanders", "1000"))?,
            channels: number(&take("channels", "1"))?,
            tokens: match take("tokens", "distinct").as_str() {
                "none" => Tokens::None,
                "few" => Tokens::Few,
                _ => Tokens::Distinct,
            },
            room: take("room", "room"),
            via: match take("via", "http").as_str() {
                "native" => Via::Native,
                _ => Via::Http,
            },
            speech: match take("dialect", "plain").as_str() {
                "native" => Speech::Native,
                "socketio" => Speech::SocketIo,
                _ => Speech::Plain,
            },
            is_told: take("told", "no") == "yes",
            is_awake: take("awake", "no") == "yes",
            missed: number(&take("missed", "10"))?,
            restart: take("restart", ""),
            label: take("label", ""),
            secret: env::var("TIDEGATE_SECRET").unwrap_or_default().into_bytes(),
            api_key: env::var("TIDEGATE_API_KEY").unwrap_or_default(),
        };
        match given.keys().next() {
            Some(name) => Err(io::Error::other(format!("there is no --{name}"))),
            None => Ok(options),
        }
    }
}

fn pairs(mut words: impl Iterator<Item = String>) -> io::Result<BTreeMap<String, String>> {
    let mut given = BTreeMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").unwrap_or(&word).to_owned();
        let value = words.next().ok_or_else(|| io::Error::other(format!("{word} what?")))?;
        given.insert(name, value);
    }
    Ok(given)
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| io::Error::other(format!("{text} is not such a number")))
}
