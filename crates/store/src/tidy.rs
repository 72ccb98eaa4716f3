//! What the writer does between groups: cut, carry the write-ahead log over, give pages back.

use std::time::{Duration, Instant};

use crate::{
    desk::{Desk, Fresh, carry_over, is_busy, now},
    shared::Shared,
};

/// How often logs are cut that have not much to cut: together they share pages.
const CUT_EVERY: Duration = Duration::from_millis(100);
/// How often the account is written while there are only appends.
pub(crate) const ACCOUNT_EVERY: Duration = Duration::from_secs(1);
/// Pages that a step gives back to the system, about a millisecond.
const PAGES_GIVEN: i64 = 256;
/// Free pages that are kept for what comes next, of all there are.
const FREE_SHARE: i64 = 4;

impl Desk {
    /// How long cutting may still wait.
    pub(crate) fn until_cut(&self) -> Duration {
        match self.cuts.is_behind() {
            true => Duration::ZERO,
            false => CUT_EVERY.saturating_sub(self.tidied_at.elapsed()),
        }
    }

    /// After each group, and when idle.
    pub(crate) fn tidy(&mut self, shared: &Shared) -> rusqlite::Result<()> {
        let now = now().0;
        if self.until_cut().is_zero() && self.cuts.is_waiting(now) {
            self.cut(shared, now)?;
            self.tidied_at = Instant::now();
        }
        if shared.options.wal_bytes_max <= self.wal_bytes {
            self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))?;
            self.wal_bytes = 0;
            self.is_wal_empty = false;
        }
        Ok(())
    }

    /// When nothing has come for a while.
    pub(crate) fn rest(&mut self) -> rusqlite::Result<()> {
        if self.account != self.written {
            self.write_account()?;
            self.is_wal_empty = false;
        }
        let free: i64 = self.db.query_row("PRAGMA freelist_count", (), |row| row.get(0))?;
        let pages: i64 = self.db.query_row("PRAGMA page_count", (), |row| row.get(0))?;
        if PAGES_GIVEN < free && pages < free * FREE_SHARE {
            self.give_pages_back()?;
        } else if 0 < self.wal_bytes || !self.is_wal_empty {
            // Somebody may be reading it; then another time.
            match carry_over(&self.db) {
                Ok(()) => (self.wal_bytes, self.is_wal_empty) = (0, true),
                Err(error) if is_busy(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The statement gives a page back at each step, and has to be stepped to its end.
    fn give_pages_back(&mut self) -> rusqlite::Result<()> {
        let mut step = self.db.prepare(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN})"))?;
        let mut rows = step.query(())?;
        while rows.next()?.is_some() {}
        self.wal_bytes += PAGES_GIVEN.cast_unsigned() * 4096;
        Ok(())
    }

    /// Logs that readers found damaged.
    pub(crate) fn set_aside(
        &mut self,
        shared: &Shared,
        fresh: &mut Fresh,
        logs: &[u64],
    ) -> rusqlite::Result<()> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for id in logs {
            let Some(log) = shared.index_mut().remove(*id) else { continue };
            tracing::error!(channel = %log.channel, "a log is damaged and set aside");
            shared.tally().damaged_logs += 1;
            let row = log.row();
            self.begin_anew(row, log.sealed, &mut shared.index_mut(), shared, fresh)?;
        }
        self.account.write(&self.db)?;
        self.db.execute_batch("COMMIT")?;
        self.written = self.account;
        self.is_wal_empty = false;
        Ok(())
    }
}
