use opentelemetry::KeyValue;

use super::*;

#[test]
fn names_and_labels_come_out_as_they_were_given() {
    let metrics = Metrics::new().unwrap();
    let drops = metrics
        .meter("test")
        .u64_counter("fanjet_test_drops_total")
        .build();
    drops.add(2, &[KeyValue::new("reason", "invalid_rev")]);
    drops.add(1, &[KeyValue::new("reason", "invalid_rev")]);
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    assert!(
        text.contains("fanjet_test_drops_total{reason=\"invalid_rev\"} 3"),
        "{text}"
    );
}

#[test]
fn the_process_and_its_version_are_shown() {
    let metrics = Metrics::new().unwrap();
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("fanjet_build_info{{version=\"{version}\"}} 1");
    assert!(text.contains(&build), "{text}");
    let value = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
        values.next().unwrap().trim().parse::<f64>().unwrap()
    };
    assert!(value("process_resident_memory_bytes ") > 0.0);
    assert!(value("process_open_fds ") >= 3.0);
    assert!(value("process_max_fds ") >= value("process_open_fds "));
}
