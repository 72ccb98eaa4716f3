//! Whether everything in a store is what was written. Reads all of it; works beside the process
//! that has it open, as of one moment.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{
    fault::Trouble,
    inspect::{InspectError, open},
    options::Options,
    scan::{Wrong, scan},
};

/// Lines of SQLite's own check; the first say it all.
const CHECKED_MAX: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    pub path: PathBuf,
    pub logs: usize,
    pub messages: u64,
    /// Logs that were damaged before, and set aside. They are not wrong: they are not served.
    pub aside: Vec<String>,
    /// What is wrong, a sentence each.
    pub wrong: Vec<String>,
}

impl Report {
    /// Whether all of it is as it was written.
    pub const fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Checks the store of a data directory: SQLite's own check, every seal, every gap, and whether it
/// all adds up.
pub fn verify(dir: &Path) -> Result<Report, InspectError> {
    let (path, db) = open(dir)?;
    let mut report = Report { path: path.clone(), ..Report::default() };
    match check(&db, &mut report) {
        Ok(()) => {}
        Err(Trouble::Damaged(why)) => report.wrong.push(format!("the file is damaged: {why}")),
        Err(Trouble::Newer(version)) => {
            report.wrong.push(format!("the file is of version {version}, which is not known here"));
        }
        Err(Trouble::Failed(source)) => return Err(InspectError::Read { path, source }),
    }
    Ok(report)
}

fn check(db: &Connection, report: &mut Report) -> Result<(), Trouble> {
    let _snapshot = db.unchecked_transaction()?;
    let mut lines = db.prepare(&format!("PRAGMA integrity_check({CHECKED_MAX})"))?;
    let mut rows = lines.query(())?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.wrong.push(format!("SQLite says: {line}"));
        }
    }
    drop(rows);
    drop(lines);

    let scan = scan(db, &Options::default())?;
    report.logs = scan.index.len();
    report.messages = scan.index.messages();
    report.aside = scan.aside.iter().map(|it| it.channel.to_string()).collect();
    for (log, wrong) in scan.damaged.values() {
        let what = match wrong {
            Wrong::Changed => "a message is not what was written",
            Wrong::Gap => "messages are missing in the middle",
        };
        report.wrong.push(format!("log {}: {what}", log.channel));
    }
    for log in scan.shortened.iter().filter_map(|it| scan.index.log(*it)) {
        report.wrong.push(format!("log {}: the last messages are missing", log.channel));
    }
    report.wrong.extend(scan.doubt);
    for (count, what) in [(scan.changed_cursors, "cursors"), (scan.changed_kept, "kept rows")] {
        if 0 < count {
            report.wrong.push(format!("{count} {what} are not what was written"));
        }
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, logs, messages, .. } = self;
        writeln!(f, "{}: {messages} messages in {logs} logs", path.display())?;
        for channel in &self.aside {
            writeln!(f, "  set aside earlier, not served: {channel}")?;
        }
        for line in &self.wrong {
            writeln!(f, "  wrong: {line}")?;
        }
        if self.is_well() {
            return writeln!(f, "  every message is what was written, and none is missing");
        }
        writeln!(
            f,
            "Nothing wrong is served: a damaged log is set aside at the next start, a damaged file \
             moved away and what is whole in it kept. To do: look at the disk (dmesg, smartctl), \
             copy {} and what is beside it to a safe place, then restart, or restore a backup.",
            path.display()
        )
    }
}
