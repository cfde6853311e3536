use fanjet_telemetry::Metrics as Shown;
use fanjet_testkit::metrics_page::{disagreements, untouched};

use super::*;

fn touch(metrics: &Metrics) {
    metrics.moved(1, 1, 1);
    metrics.lag(1, 1, 1.0);
    for reason in ["too_large", "refused"] {
        metrics.dead_letter(reason);
    }
    metrics.lost(1);
    for reason in [
        "config", "denied", "login", "fenced", "kafka", "log", "defect",
    ] {
        metrics.restarted(reason);
    }
    for kind in [Kind::Identity, Kind::Audit, Kind::Profile] {
        for (is_known, is_cached) in [(true, false), (false, true)] {
            metrics.looked_up(kind, is_known, is_cached);
        }
        metrics.remembered(kind, 1);
    }
    metrics.position_failed();
    let mut tally = Tally::default();
    for reason in Skip::ALL {
        tally.skipped(reason);
    }
    tally.handled("info", None, 1);
    tally.flush(metrics);
}

#[test]
fn the_page_tells_what_is_shown() {
    let shown = Shown::new().unwrap();
    touch(&Metrics::new(&shown.meter("test")));
    let text = String::from_utf8(shown.render().unwrap()).unwrap();
    let found = disagreements("Kafka", &text).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(
        untouched(include_str!("../metrics.rs"), &text),
        Vec::<String>::new()
    );
}
