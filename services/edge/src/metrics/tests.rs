use fanjet_filter::OptionsError;
use fanjet_log::memory::MemoryLog;
use fanjet_telemetry::Metrics as Shown;
use fanjet_testkit::metrics_page::{disagreements, untouched};

use super::*;
use crate::http::REFUSED_CONNECTION_REASONS;

/// One of each; a new one does not compile before it stands here.
fn refusals() -> Vec<Refusal> {
    fn _is_complete(one: &Refusal) {
        match one {
            Refusal::UrlTooLong { .. }
            | Refusal::InvalidOptions(_)
            | Refusal::OutsidePool(_)
            | Refusal::NotReady
            | Refusal::NoStart
            | Refusal::LogDamaged { .. }
            | Refusal::Draining
            | Refusal::NodeFull { .. }
            | Refusal::AddressFull { .. }
            | Refusal::KeyFull { .. }
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
        Refusal::OutsidePool(String::new()),
        Refusal::NotReady,
        Refusal::NoStart,
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
    metrics.laggards(1);
    metrics.replays(1);
    for start in StartKind::ALL {
        metrics.started(start);
    }
    for question in ["bounds", "time"] {
        metrics.asked_for_cursor(question);
    }
    metrics.replay_loaded(1, 1);
    metrics.delivered(1, 1);
    metrics.partly_written(1);
    metrics.encoded(Made {
        zstd: 1,
        stored: 1,
        v0: 1,
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
    for by in [MetBy::Replay, MetBy::Cursor, MetBy::Warming, MetBy::Live] {
        metrics.met_damage(by);
    }
    metrics.tail_lost(1);
    let worker = metrics.of_worker(0);
    worker.paced(std::time::Duration::ZERO, 0.0);
    worker.hub_crashed();
}

#[test]
fn the_docs_list_every_metric() {
    let shown = Shown::new().unwrap();
    touch(&Metrics::new(&shown.meter("test")));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    show_passed_over(&shown.meter("test"), &log);
    let text = String::from_utf8(shown.render().unwrap()).unwrap();
    let found = disagreements("Edge", &text).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(
        untouched(include_str!("../metrics.rs"), &text),
        Vec::<String>::new()
    );
}
