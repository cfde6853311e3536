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
