use fanjet_filter::{OptionsError, V2Error};
use fanjet_log::memory::MemoryLog;
use fanjet_telemetry::Metrics as Exporter;
use fanjet_testkit::metrics_page::{disagreements, untouched};

use super::*;
use crate::http::REFUSED_CONNECTION_REASONS;
use crate::raw::{CloseCause, RawMetrics};

/// As `replay/disk/writer.rs` has them.
const DISK_END_REASONS: [&str; 9] = [
    "lost",
    "damaged",
    "foreign",
    "replaced",
    "behind",
    "expired",
    "damaged_log",
    "refused",
    "off",
];

/// One of each; a new variant does not compile until it is added here.
fn refusals() -> Vec<Refusal> {
    fn _is_complete(one: &Refusal) {
        match one {
            Refusal::UrlTooLong { .. }
            | Refusal::InvalidOptions(_)
            | Refusal::InvalidV2(_)
            | Refusal::CursorTooOld { .. }
            | Refusal::OutsidePool(_)
            | Refusal::NotReady
            | Refusal::NoStart
            | Refusal::CursorTimeout
            | Refusal::LogDamaged { .. }
            | Refusal::Draining
            | Refusal::NodeFull { .. }
            | Refusal::AddressFull { .. }
            | Refusal::KeyFull { .. }
            | Refusal::RawNodeFull { .. }
            | Refusal::RawAddressFull { .. }
            | Refusal::UnknownKey
            | Refusal::NoUpgrade
            | Refusal::UnsupportedVersion
            | Refusal::BadKey
            | Refusal::BadBody
            | Refusal::BodyTooLong { .. }
            | Refusal::BodyTimeout
            | Refusal::BodyCutOff
            | Refusal::InboundFull
            | Refusal::FiltersFull
            | Refusal::TooManyViewers { .. }
            | Refusal::Internal => {}
        }
    }
    let wrong = OptionsError::Format("v9".to_owned());
    vec![
        Refusal::UrlTooLong { max_bytes: 1 },
        Refusal::InvalidOptions(wrong),
        Refusal::InvalidV2(V2Error::Semicolon),
        Refusal::CursorTooOld {
            cursor: 1,
            floor: 9,
        },
        Refusal::OutsidePool(String::new()),
        Refusal::RawNodeFull { max: 1 },
        Refusal::RawAddressFull { max: 1 },
        Refusal::NotReady,
        Refusal::NoStart,
        Refusal::CursorTimeout,
        Refusal::LogDamaged { seq: 1 },
        Refusal::Draining,
        Refusal::NodeFull { max_subscribers: 1 },
        Refusal::AddressFull { max: 1 },
        Refusal::KeyFull { max: 1 },
        Refusal::UnknownKey,
        Refusal::NoUpgrade,
        Refusal::UnsupportedVersion,
        Refusal::BadKey,
        Refusal::BadBody,
        Refusal::BodyTooLong { max_bytes: 1 },
        Refusal::BodyTimeout,
        Refusal::BodyCutOff,
        Refusal::InboundFull,
        Refusal::FiltersFull,
        Refusal::TooManyViewers { max: 1 },
        Refusal::Internal,
    ]
}

fn touch(metrics: &Metrics) {
    metrics.joined(Encoding::Json);
    for reason in CloseReason::ALL {
        metrics.left(Encoding::Json, &reason);
    }
    metrics.catching_up(1);
    metrics.replays(1);
    for start in StartKind::ALL {
        metrics.started(start);
    }
    for question in ["bounds", "time"] {
        metrics.cursor_looked_up(question);
    }
    metrics.replay_loaded(PageSource::Disk, 1, 1);
    metrics.replay_loaded(PageSource::Log, 1, 1);
    metrics.cached_pages(1);
    metrics.disk(1, 1.0);
    for reason in DISK_END_REASONS {
        metrics.disk_ended(reason);
    }
    metrics.delivered(1, 1);
    metrics.partly_written(1);
    metrics.encoded(EncodedCounts {
        zstd: 1,
        stored: 1,
        v0: 1,
        v2: 1,
        v2_zstd: 1,
    });
    for refusal in refusals() {
        metrics.refused(&refusal);
    }
    for reason in REFUSED_CONNECTION_REASONS {
        metrics.connection_refused(reason);
    }
    metrics.replay_paused();
    metrics.inbound_paused();
    metrics.tail_moved(1, 1.0, 1);
    for reason in ["unavailable", "gap", "misconfigured", "replaced", "corrupt"] {
        metrics.feeder_restarted(reason);
    }
    for by in [
        DamageSource::Replay,
        DamageSource::Cursor,
        DamageSource::Warming,
        DamageSource::Live,
    ] {
        metrics.damaged_read(by);
    }
    metrics.tail_lost(1);
    metrics.plan_with_gap();
    let worker = metrics.of_worker(0);
    worker.paced(std::time::Duration::ZERO, 0.0);
    worker.hub_crashed();
}

fn touch_raw(metrics: &RawMetrics) {
    metrics.joined();
    for cause in [
        CloseCause::Draining,
        CloseCause::InvalidCursor,
        CloseCause::FutureCursor { newest: 1 },
        CloseCause::ConsumerTooSlow,
        CloseCause::LogReplaced,
        CloseCause::LogDamaged,
        CloseCause::MessageTooBig,
        CloseCause::ProtocolError,
        CloseCause::PongTimeout,
        CloseCause::ClientClosed(None),
        CloseCause::ClientGone,
    ] {
        metrics.left(cause.label());
    }
    metrics.delivered(1, 1);
    metrics.moved(Some(1), 1);
    metrics.feeder_restarted();
    metrics.paused();
    for outcome in ["answered", "failed", "refused"] {
        metrics.proxied(outcome);
    }
}

fn rendered() -> String {
    let exporter = Exporter::new().unwrap();
    touch(&Metrics::new(&exporter.meter("test")));
    touch_raw(&RawMetrics::new(&exporter.meter("test")));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    observe_skipped_seqs(&exporter.meter("test"), &log);
    String::from_utf8(exporter.render().unwrap()).unwrap()
}

#[test]
fn the_docs_list_every_metric() {
    let text = rendered();
    let found = disagreements("Edge", &text).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    for names in [include_str!("names.rs"), include_str!("../raw/metrics.rs")] {
        assert_eq!(untouched(names, &text), Vec::<String>::new());
    }
}

#[test]
fn every_metric_has_a_help_text() {
    let text = rendered();
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names: Vec<_> = names.filter_map(|line| line.split_once(' ')).collect();
    assert!(names.len() > 20);
    for (name, _) in names {
        let help = format!("# HELP {name} ");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(&help));
        assert!(lines.any(|help| help.contains(' ')), "{name}");
    }
}
