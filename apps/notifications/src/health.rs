//! How the system is, for those who administer it. Checks do what they are named for.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use proto::{Code, Refusal};
use rusqlite::Connection;
use serde::Serialize;

use crate::{timestamp, user::User};

#[derive(Debug, Serialize)]
pub(crate) struct SystemStatus {
    status: &'static str,
    timestamp: String,
    metrics: Metrics,
}

#[derive(Debug, Serialize)]
struct Metrics {
    /// Users connected to this node.
    active_users: usize,
    pending_projects: i64,
    /// Processes ready to run, averaged over a minute; absent where the system does not tell.
    system_load: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct HealthCheck {
    status: &'static str,
    timestamp: String,
    checks: Checks,
}

#[derive(Debug, Serialize)]
struct Checks {
    database: &'static str,
    /// This application keeps nothing in Redis.
    redis: &'static str,
    storage: &'static str,
}

pub(crate) fn is_open_to(user: &User) -> Result<(), Refusal> {
    let refusal =
        Refusal::new(Code::Forbidden).saying("The system's health is for administrators.");
    if user.role.administers() { Ok(()) } else { Err(refusal) }
}

pub(crate) fn pending_projects(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT count(*) FROM projects WHERE status = 'pending'")?
        .query_row((), |row| row.get(0))
}

pub(crate) fn status(active_users: usize, pending_projects: i64) -> SystemStatus {
    SystemStatus {
        status: "healthy",
        timestamp: timestamp::iso(),
        metrics: Metrics { active_users, pending_projects, system_load: system_load() },
    }
}

/// Reads the database, which is given by whether that worked, and writes to the disk under
/// `data_dir`.
pub(crate) async fn check(database_answers: bool, data_dir: PathBuf) -> HealthCheck {
    let storage_holds = tokio::task::spawn_blocking(move || {
        written_and_read(&data_dir)
            .inspect_err(|fault| tracing::warn!(%fault, "the storage check failed"))
            .is_ok()
    })
    .await
    .unwrap_or(false);
    HealthCheck {
        status: word(database_answers && storage_holds),
        timestamp: timestamp::iso(),
        checks: Checks {
            database: word(database_answers),
            redis: "not configured",
            storage: word(storage_holds),
        },
    }
}

const fn word(is_well: bool) -> &'static str {
    if is_well { "healthy" } else { "unhealthy" }
}

/// Each check has a file of its own, so that two at once do not read each other's.
fn written_and_read(data_dir: &Path) -> io::Result<()> {
    let written = timestamp::seconds().to_string();
    let path = data_dir.join(format!(".health-{written}-{:?}", std::thread::current().id()));
    let mut file = File::create(&path)?;
    let outcome = file
        .write_all(written.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::read_to_string(&path));
    fs::remove_file(&path)?;
    let agrees = outcome? == written;
    if agrees { Ok(()) } else { Err(io::Error::other("what was written did not come back")) }
}

fn system_load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}
