//! Deadlines of connections: greet, prove, answer pings, say something, refresh, and part.

use std::time::Duration;

use proto::{Code, ConnId, Dialect, Event, Refusal, UnixTime};

use super::Shard;
use crate::{
    conn::{Conn, Stage},
    deadlines::Tick,
    effect::Effect,
    policy::Policy,
};

impl Shard {
    pub(super) fn wake(&mut self, now: Tick, effects: &mut Vec<Effect>) {
        while let Some((tick, due)) = self.deadlines.take_due(now) {
            for conn in due {
                if self.conns.find(conn).is_some_and(|it| it.due == tick) {
                    self.look(now, conn, effects);
                }
            }
        }
        self.ring(now, effects);
        self.homes.sweep(now);
    }

    /// Looks at one connection whose deadline has come; closes it, prods it or lets it be.
    fn look(&mut self, now: Tick, id: ConnId, effects: &mut Vec<Effect>) {
        let conn = self.conns.at_mut(id);
        let policy = &self.rules.policies[usize::from(conn.policy)];
        if let Some(code) = overdue(conn, policy, now) {
            if code == Code::PingTimeout {
                self.tally.ping_timeouts += 1;
            }
            self.close(now, id, Refusal::new(code), effects);
            return;
        }
        if !conn.is_paused() && conn.pinged_at == Tick::NEVER && ping_at(conn, policy) <= now {
            conn.pinged_at = now;
            self.pings = self.pings.wrapping_add(1);
            effects.push(Effect::Ping { conn: id, number: self.pings });
        }
        if !conn.expiry_told && notice_at(conn, policy) <= now {
            conn.expiry_told = true;
            let expires_at = conn.identity.as_ref().map_or(UnixTime(0), |it| it.expires_at);
            let within = conn.expires_at.since(now);
            effects.push(Effect::Tell { conn: id, event: Event::Expiring { expires_at, within } });
        }
        conn.due = Tick::NEVER;
        self.resend(now, id, effects);
        self.schedule(id);
    }

    /// Sees to it that the connection is looked at when its next deadline comes.
    pub(super) fn schedule(&mut self, id: ConnId) {
        let Some(conn) = self.conns.find_mut(id) else { return };
        let next = next_deadline(conn, &self.rules.policies[usize::from(conn.policy)]);
        if next < conn.due {
            conn.due = next;
            self.deadlines.set(id, next);
        }
    }

    /// Spreads the partings evenly, so that the next server is not stormed.
    pub(super) fn drain(&mut self, now: Tick, over: Duration, effects: &mut Vec<Effect>) {
        self.is_draining = true;
        let all: Vec<ConnId> = self.conns.iter().map(|it| it.0).collect();
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
        for (index, conn) in (0..).zip(all) {
            let part = over.saturating_mul(index) / count;
            self.conns.at_mut(conn).drains_at = now.after(part);
            self.schedule(conn);
        }
        self.wake(now, effects);
    }
}

/// What the connection has failed to do in time, most telling first.
fn overdue(conn: &Conn, policy: &Policy, now: Tick) -> Option<Code> {
    let greet_by = conn.opened_at.after(policy.first_message_within);
    if conn.drains_at <= now {
        return Some(Code::Draining);
    }
    // Its application, or a log, takes too long.
    if conn.is_recovering() && greet_by <= now {
        return Some(Code::Busy);
    }
    if conn.stage != Stage::Live && greet_by <= now {
        return Some(Code::FirstMessageLate);
    }
    if conn.expires_at <= now {
        return Some(Code::TokenExpired);
    }
    if conn.is_paused() {
        return None;
    }
    // Counted from the ping itself: a process that was stopped for a while has not listened.
    if conn.pinged_at.after(policy.pong_within) <= now {
        return Some(Code::PingTimeout);
    }
    (idle_at(conn, policy) <= now).then_some(Code::Idle)
}

fn next_deadline(conn: &Conn, policy: &Policy) -> Tick {
    let greet_by = match conn.stage {
        Stage::Greeting | Stage::Proving => conn.opened_at.after(policy.first_message_within),
        Stage::Live if conn.is_recovering() => conn.opened_at.after(policy.first_message_within),
        Stage::Live => Tick::NEVER,
    };
    let notice = if conn.expiry_told { Tick::NEVER } else { notice_at(conn, policy) };
    let silence = match conn.is_paused() {
        true => Tick::NEVER,
        false if conn.pinged_at == Tick::NEVER => ping_at(conn, policy),
        false => conn.pinged_at.after(policy.pong_within),
    };
    let idle = if conn.is_paused() { Tick::NEVER } else { idle_at(conn, policy) };
    let mail = conn.owed.as_ref().map_or(Tick::NEVER, |it| it.due());
    [conn.drains_at, greet_by, conn.expires_at, silence, idle, notice, mail]
        .into_iter()
        .min()
        .unwrap_or(Tick::NEVER)
}

fn ping_at(conn: &Conn, policy: &Policy) -> Tick {
    // Engine.IO has a heartbeat of its own; whoever runs it tells that the connection is gone.
    if policy.dialect == Dialect::SocketIo {
        return Tick::NEVER;
    }
    conn.heard_at.after(policy.ping_every)
}

fn idle_at(conn: &Conn, policy: &Policy) -> Tick {
    policy.idle_after.map_or(Tick::NEVER, |it| conn.spoke_at.after(it))
}

/// When the token's end is announced: so long before it, or at once if it is nearer already.
fn notice_at(conn: &Conn, policy: &Policy) -> Tick {
    if conn.expires_at == Tick::NEVER {
        return Tick::NEVER;
    }
    conn.expires_at.before(policy.expiry_notice)
}
