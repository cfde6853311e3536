use fanjet_log::memory::MemoryLog;
use fanjet_telemetry::Metrics as Shown;
use fanjet_testkit::metrics_page::{disagreements, untouched, without_help};

use super::*;

fn touch(metrics: &Metrics) {
    metrics.moved(1, 1, 1);
    metrics.lag(1, 1, 1.0);
    for reason in ["too_large", "refused"] {
        metrics.dead_letter(reason);
    }
    metrics.lost(1);
    for reason in [
        "config", "denied", "login", "fenced", "kafka", "log", "position", "defect",
    ] {
        metrics.restarted(reason);
    }
    for kind in [
        LookUp::Identity,
        LookUp::Web,
        LookUp::Audit,
        LookUp::Profile,
        LookUp::Handle,
    ] {
        for (is_known, is_cached) in [(true, false), (false, true)] {
            metrics.looked_up(kind, is_known, is_cached);
        }
        metrics.remembered(kind, 1);
    }
    metrics.position_failed();
    metrics.replaced();
    metrics.bookmark_failed();
    let mut tally = Tally::default();
    for reason in Skip::ALL {
        tally.skipped(reason);
    }
    tally.handled("info", None, 1);
    tally.flush(metrics);
}

#[test]
fn the_docs_list_every_metric() {
    let shown = Shown::new().unwrap();
    touch(&Metrics::new(&shown.meter("test")));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    observe_skipped_seqs(&shown.meter("test"), &log);
    let text = String::from_utf8(shown.render().unwrap()).unwrap();
    let found = disagreements("Kafka", &text).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    let none = Vec::<String>::new();
    assert_eq!(untouched(include_str!("../metrics.rs"), &text), none);
    assert_eq!(without_help(&text), none);
}

#[test]
fn collections_beyond_the_limit_share_one_label() {
    let shown = Shown::new().unwrap();
    let metrics = Metrics::new(&shown.meter("test"));
    let mut tally = Tally::default();
    for number in 0..1_000 {
        let collection = format!("com.example.c{number}");
        let action = format!("create_c{number}");
        tally.handled(&action, Some(&collection), 1);
        tally.flush(&metrics);
    }
    let text = String::from_utf8(shown.render().unwrap()).unwrap();
    let series: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("atkafka_handled_events{"))
        .collect();
    assert_eq!(series.len(), MAX_COLLECTIONS + 1);
    let others = r#"atkafka_handled_events{action_name="create",collection="other"} 800"#;
    assert!(series.contains(&others), "{series:#?}");
}
