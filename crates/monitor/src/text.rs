//! Metrics as text, by the format's own encoder.

use std::{fmt, time::Duration};

use limits::Limit;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode},
    registry::{Registry, Unit as EncodedUnit},
};
use proto::Code;

use crate::{
    front::CLASSES,
    histogram::Buckets,
    monitor::Build,
    process::Process,
    shard::{CLOSE_NUMBERS, Sum},
    table::{Kind, Metric, Unit},
};

/// What [`crate::Monitor::render`] answers in.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything as it was when somebody looked.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) sum: Sum,
    pub(crate) classes: Vec<u64>,
    pub(crate) is_draining: bool,
    /// Since 1970.
    pub(crate) started_at: Duration,
    pub(crate) build: Build,
}

pub(crate) fn write(seen: Seen) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page { seen, process: Process::read() }));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes all");
    text
}

#[derive(Debug)]
struct Page {
    seen: Seen,
    process: Process,
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in Metric::ALL {
            let row = metric.row();
            let unit = match row.unit {
                Unit::One => None,
                Unit::Bytes => Some(&EncodedUnit::Bytes),
                Unit::Seconds => Some(&EncodedUnit::Seconds),
            };
            // The encoder ends each sentence itself.
            let sentence = row.sentence.trim_end_matches('.');
            let kind = row.kind.metric_type();
            let mut out = encoder.encode_descriptor(row.name, sentence, unit, kind)?;
            write_value(&mut out, row.kind, self.value(*metric))?;
        }
        Ok(())
    }
}

enum Value<'a> {
    Number(u64),
    Decimal(f64),
    /// One label's name, its values and what was counted under each.
    ByLabel(&'static str, Vec<(String, u64)>),
    Buckets(&'a Buckets),
    Labels(Build),
}

impl Page {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are plain counts")]
    fn value(&self, metric: Metric) -> Value<'_> {
        let Seen { sum, classes, is_draining, started_at, build } = &self.seen;
        match metric {
            Metric::Closed => Value::ByLabel("number", close_numbers(&sum.closed)),
            Metric::Closing => by_code(&sum.closing),
            Metric::HandshakesRefused => by_code(&sum.handshakes_refused),
            Metric::AuthenticationFailed => by_code(&sum.authentication_failed),
            Metric::Refused => by_code(&sum.refused),
            Metric::LimitChecked => by_limit(&sum.limits, 0),
            Metric::LimitRefused => by_limit(&sum.limits, 1),
            Metric::LimitObserved => by_limit(&sum.limits, 2),
            Metric::HandshakeDuration => Value::Buckets(&sum.handshakes),
            Metric::PublishLatency => Value::Buckets(&sum.publishes),
            Metric::HttpRequests => {
                let names = CLASSES.iter().map(ToString::to_string);
                Value::ByLabel("class", names.zip(classes.iter().copied()).collect())
            }
            Metric::Draining => Value::Number(u64::from(*is_draining)),
            Metric::CpuSeconds => Value::Decimal(self.process.cpu_seconds),
            Metric::ResidentBytes => Value::Number(self.process.resident_bytes),
            Metric::OpenFds => Value::Number(self.process.open_fds),
            Metric::MaxFds => Value::Number(self.process.max_fds),
            Metric::StartedAt => Value::Number(started_at.as_secs()),
            Metric::BuildInfo => Value::Labels(*build),
            _ => Value::Number(sum.counts.get(metric.index()).copied().unwrap_or_default()),
        }
    }
}

fn write_value(out: &mut MetricEncoder<'_>, kind: Kind, value: Value<'_>) -> fmt::Result {
    match value {
        Value::Number(n) if kind == Kind::Counter => {
            out.encode_counter::<NoLabelSet, _, u64>(&n, None)
        }
        Value::Number(n) => out.encode_gauge(&n),
        Value::Decimal(n) => out.encode_counter::<NoLabelSet, _, u64>(&n, None),
        Value::ByLabel(label, counts) => {
            for (name, n) in counts {
                let labels = [(label, name.as_str())];
                out.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&n, None)?;
            }
            Ok(())
        }
        Value::Buckets(buckets) => out.encode_histogram::<NoLabelSet>(
            buckets.seconds(),
            buckets.count(),
            &buckets.bounded(),
            None,
        ),
        Value::Labels(build) => {
            out.encode_info(&[("version", build.version), ("commit", build.commit)])
        }
    }
}

fn close_numbers(counts: &[u64]) -> Vec<(String, u64)> {
    let name = |number: &u16| if *number == 0 { "other".into() } else { number.to_string() };
    CLOSE_NUMBERS.iter().map(name).zip(counts.iter().copied()).collect()
}

fn by_code(counts: &[u64]) -> Value<'static> {
    let names = Code::ALL.iter().map(ToString::to_string);
    Value::ByLabel("code", names.zip(counts.iter().copied()).collect())
}

fn by_limit(tallies: &[Vec<u64>], column: usize) -> Value<'static> {
    let names = Limit::ALL.iter().map(|it| it.row().name.to_owned());
    let counts = tallies.iter().map(|it| it.get(column).copied().unwrap_or_default());
    Value::ByLabel("limit", names.zip(counts).collect())
}
