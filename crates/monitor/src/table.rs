//! Every metric there is, one row each; `docs/metrics.md` is made from this table.
//!
//! Names here are without the endings that the exposition format adds: the unit, and `_total` for
//! counters. [`Metric::full_name`] is what a query says.

use std::fmt::Write;

use prometheus_client::metrics::MetricType;

/// How a metric moves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Only grows, from zero at every start.
    Counter,
    /// As it is now.
    Gauge,
    /// How often a duration fell under each bound.
    Histogram,
    /// Always 1; its labels say something.
    Info,
}

/// In what it is counted, where that is not simply one more of what the name says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    One,
    Bytes,
    Seconds,
}

/// What the table says of one metric.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    /// The labels; their values come from tables of ours and from nowhere else (F14).
    pub labels: &'static [&'static str],
    pub sentence: &'static str,
}

macro_rules! metrics {
    ($(
        $id:ident $name:literal $kind:ident $unit:ident [$($label:literal)*] $sentence:literal
    )*) => {
        /// A metric of ours.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Metric { $(#[doc = $sentence] $id),* }

        impl Metric {
            pub const ALL: &[Self] = &[$(Self::$id),*];

            pub const fn row(self) -> Row {
                match self {
                    $(Self::$id => Row {
                        name: $name,
                        kind: Kind::$kind,
                        unit: Unit::$unit,
                        labels: &[$($label),*],
                        sentence: $sentence,
                    }),*
                }
            }
        }
    };
}

metrics! {
    // Connections.
    ConnectionsOpen "tidegate_connections" Gauge One [] "WebSocket connections open now."
    Seats "tidegate_seats" Gauge One [] "Places taken of server.connections_max: connections, whoever is on the way in, and Socket.IO clients that are in no namespace."
    Opened "tidegate_connections_opened" Counter One [] "WebSocket connections that were admitted and opened."
    Closed "tidegate_connections_closed" Counter One ["number"] "Connections that ended, by close number; 1006 is a peer that vanished."
    Closing "tidegate_connections_closed_by_gateway" Counter One ["code"] "Connections that the gateway itself ended, by code."
    SlowCloses "tidegate_connections_closed_slow" Counter One [] "Connections closed because they read too slowly (F10)."
    PingsTimedOut "tidegate_pings_timed_out" Counter One [] "Pings without an answer in time; each ended a connection."

    // Handshakes and admission.
    Accepted "tidegate_sockets_accepted" Counter One [] "Sockets accepted, whatever became of them."
    AcceptErrors "tidegate_accept_errors" Counter One [] "Failures to accept a socket, as when file descriptors run out (L4)."
    AcceptBackoffs "tidegate_accept_backoffs" Counter One [] "Times that accepting paused after such a failure."
    TlsFailures "tidegate_tls_failures" Counter One [] "TLS handshakes that failed."
    HandshakesRefused "tidegate_handshakes_refused" Counter One ["code"] "Handshakes refused, by code."
    HandshakeDuration "tidegate_handshake_duration" Histogram Seconds [] "From accept to the answer of an admitted handshake."
    HandedOff "tidegate_sockets_handed_off" Counter One [] "Sockets that asked for something other than a WebSocket and went to the front."
    HandoffsRefused "tidegate_handoffs_refused" Counter One [] "Sockets that the front had no room for."
    LimitChecked "tidegate_limit_checked" Counter One ["limit"] "Times that a limit was asked."
    LimitRefused "tidegate_limit_refused" Counter One ["limit"] "Times that a limit refused."
    LimitObserved "tidegate_limit_observed" Counter One ["limit"] "Times that a limit would have refused, had it been enforced."
    Authenticated "tidegate_authentications_succeeded" Counter One [] "Tokens found good (R96)."
    AuthenticationFailed "tidegate_authentications_failed" Counter One ["code"] "Tokens found missing or not good, by code (R96)."

    // Sessions and revocations, counted once a second (R97).
    SessionsLive "tidegate_sessions_live" Gauge One [] "Sessions with a connection."
    SessionsAway "tidegate_sessions_away" Gauge One [] "Sessions that wait for their client to come back."
    SessionsStarted "tidegate_sessions_started" Counter One [] "Sessions that began."
    SessionsResumed "tidegate_sessions_resumed" Counter One [] "Times that a client came back to its session (R24)."
    SessionsEnded "tidegate_sessions_ended" Counter One [] "Sessions that ended, whatever ended them."
    SessionsRefused "tidegate_sessions_refused" Counter One [] "Sessions refused because as many of the user's, or of all, were live (R22)."
    SessionsReplaced "tidegate_sessions_replaced" Counter One [] "Sessions that ended for a newer one of the same user (R22)."
    Revocations "tidegate_revocations" Gauge One [] "Revocations held, those that are over but not forgotten included (A9)."
    RevocationsAdded "tidegate_revocations_added" Counter One [] "Revocations made or renewed since the start."

    // Messages.
    Received "tidegate_messages_received" Counter One [] "Messages received from clients."
    Sent "tidegate_messages_sent" Counter One [] "Messages sent to clients, each recipient counted."
    BytesIn "tidegate_received" Counter Bytes [] "Bytes read from sockets of clients."
    BytesOut "tidegate_sent" Counter Bytes [] "Bytes written to sockets of clients."
    Refused "tidegate_commands_refused" Counter One ["code"] "Commands and messages refused on live connections, by code."
    Publications "tidegate_publications" Counter One [] "Messages that were given a place in a channel's order."
    Notices "tidegate_notices" Counter One [] "Times that members of a channel were told of receipts, typing or presence."
    Deliveries "tidegate_deliveries" Counter One [] "Publications put into a member's outbox."
    DeliveriesDropped "tidegate_deliveries_dropped" Counter One [] "Publications that a slow member missed; each gap was told (F10)."
    PublishLatency "tidegate_publish_latency" Histogram Seconds [] "From asking for a publication to knowing its place."

    // Logs and mailboxes.
    LogBytes "tidegate_log_memory" Gauge Bytes [] "What messages that are kept in memory weigh."
    NotStored "tidegate_messages_not_stored" Counter One [] "Messages that the store refused; whoever said them was told (L6)."
    Resent "tidegate_mail_resent" Counter One [] "Messages of mailboxes sent again because nobody acknowledged them (R61)."
    Undelivered "tidegate_mail_undelivered" Counter One [] "Messages of mailboxes given up for their connection; they wait for the next (R90)."

    // The store, counted once a second.
    StoreMessages "tidegate_store_messages" Gauge One [] "Messages on disk."
    StoreBytes "tidegate_store_messages_size" Gauge Bytes [] "What they weigh."
    StoreLogs "tidegate_store_logs" Gauge One [] "Channels whose log is on disk."
    StoreQueue "tidegate_store_queue_length" Gauge One [] "Messages, cursors and rows that wait to be written (R91)."
    StoreQueueBytes "tidegate_store_queue" Gauge Bytes [] "What they weigh."
    StoreQueueRefused "tidegate_store_queue_refused" Counter One [] "Messages, cursors, rows and readings refused because too much waited."
    StoreGroups "tidegate_store_groups" Counter One [] "Groups committed, each with one sync."
    StoreAppended "tidegate_store_messages_written" Counter One [] "Messages written and confirmed."
    StoreReads "tidegate_store_reads" Counter One [] "Parts of logs read from disk."
    StoreCut "tidegate_store_messages_cut" Counter One [] "Messages removed because enough newer ones are kept."
    StoreFailures "tidegate_store_write_failures" Counter One [] "Writes and syncs that the operating system failed (L6)."
    StoreReopenings "tidegate_store_reopenings" Counter One [] "Times the store was opened again after such a failure."
    StoreUnavailable "tidegate_store_unavailable" Gauge One [] "1 while nothing can be written, else 0. Alarm on this."
    StoreDamaged "tidegate_store_damaged" Counter One [] "Logs, rows and files found damaged and set aside (L9). Alarm on this."

    // What is held now.
    Channels "tidegate_channels" Gauge One [] "Channels that have members or an order, added over shards."
    Memberships "tidegate_memberships" Gauge One [] "Pairs of a connection and a channel it is in."
    OutboxBytes "tidegate_outbox" Gauge Bytes [] "Bytes that wait for sockets which would block."
    InboxLength "tidegate_inbox_length" Gauge One [] "Messages from other threads that shards have not taken in yet."
    InboxOverflows "tidegate_inbox_overflows" Counter One [] "Messages refused because a shard's inbox was full."
    AsksInFlight "tidegate_asks_in_flight" Gauge One [] "Questions to applications that wait for their answer."
    AppErrors "tidegate_app_errors" Counter One [] "Calls of an application that failed or panicked."
    Turns "tidegate_shard_turns" Counter One [] "Turns of all shards' loops."
    ShardRestarts "tidegate_shard_restarts" Counter One [] "Times that a shard's engine failed and was replaced; each is a bug."

    // HTTP.
    HttpConnections "tidegate_http_connections" Gauge One [] "Sockets that the front serves now."
    HttpRequests "tidegate_http_requests" Counter One ["class"] "HTTP requests answered, by class of status."
    HttpFull "tidegate_http_connections_refused" Counter One [] "Sockets the front answered with 503 because it serves as many as it may."
    HttpPanics "tidegate_http_panics" Counter One [] "HTTP requests that panicked and were answered with 500; each is a bug."
    ApiKeysRefused "tidegate_api_authentications_failed" Counter One [] "HTTP requests without a good API key or administrator's token."
    IdempotentReplays "tidegate_idempotent_replays" Counter One [] "Publications answered from an earlier request with the same idempotency key."

    // The process.
    Draining "tidegate_draining" Gauge One [] "1 while the process drains, else 0."
    CpuSeconds "tidegate_process_cpu" Counter Seconds [] "Processor time used, in user and system mode."
    ResidentBytes "tidegate_process_resident_memory" Gauge Bytes [] "Memory resident in RAM."
    OpenFds "tidegate_process_open_fds" Gauge One [] "File descriptors open."
    MaxFds "tidegate_process_max_fds" Gauge One [] "File descriptors that may be open."
    StartedAt "tidegate_process_start_time" Gauge Seconds [] "When the process started, in seconds since 1970-01-01T00:00:00Z."
    BuildInfo "tidegate_build" Info One ["version" "commit"] "What is running."
}

impl Metric {
    /// The place in [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name as a query says it: with the unit, and with `_total` for counters.
    pub fn full_name(self) -> String {
        let row = self.row();
        let unit = match row.unit {
            Unit::One => "",
            Unit::Bytes => "_bytes",
            Unit::Seconds => "_seconds",
        };
        let ending = match row.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{}{unit}{ending}", row.name)
    }
}

impl Kind {
    pub(crate) const fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// `docs/metrics.md`.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    for metric in Metric::ALL {
        let row = metric.row();
        let labels: Vec<_> = row.labels.iter().map(|it| format!("`{it}`")).collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            metric.full_name(),
            row.kind.word(),
            labels.join(", "),
            row.sentence,
        )
        .expect("a string takes all");
    }
    page
}

const HEAD: &str = "\
# Metrics

`GET /metrics` answers in the OpenMetrics text format. It asks for an API key with the scope `admin`
or the token of an administrator (`monitoring.admins`), unless `monitoring.metrics` says otherwise. Counters
begin at zero when the process starts. Labels take their values from fixed tables, so the number of series
never grows: no user, address, channel or token becomes a label.

<!-- Made from crates/monitor/src/table.rs; `UPDATE_EXPECT=1 cargo test -p monitor` rewrites it. -->

| metric | kind | labels | what it says |
| --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|it| it.full_name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for (index, metric) in Metric::ALL.iter().enumerate() {
            let row = metric.row();
            assert_eq!(metric.index(), index);
            assert!(row.sentence.ends_with('.'), "{metric:?}");
            assert!(row.name.starts_with("tidegate_"), "{metric:?}");
            assert!(row.name.bytes().all(|it| it == b'_' || it.is_ascii_lowercase()));
        }
    }

    #[test]
    fn the_page_is_what_the_table_says() {
        expect_test::expect_file!["../../../docs/metrics.md"].assert_eq(&page());
    }
}
