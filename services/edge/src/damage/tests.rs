use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;

fn damage_reports() -> DamageReports {
    DamageReports::new(Metrics::new(&SdkMeterProvider::default().meter("test")))
}

#[test]
fn each_damaged_seq_is_reported_once_within_a_bound() {
    let damage_reports = damage_reports();
    for _ in 0..3 {
        let report = damage_reports.report(
            DamageSource::Replay,
            &LogError::corrupt(7, "the record is torn"),
        );
        assert_eq!(report, Some(Damage { seq: 7 }));
    }
    assert_eq!(damage_reports.reported(), 1);
    for seq in 0..3 * MAX_REPORTED as u64 {
        damage_reports.report(
            DamageSource::Cursor,
            &LogError::corrupt(seq, "the record is torn"),
        );
        assert!(damage_reports.reported() <= MAX_REPORTED);
    }
}

#[test]
fn other_log_errors_are_not_damage() {
    let damage_reports = damage_reports();
    let away = LogError::unavailable("away");
    assert_eq!(damage_reports.report(DamageSource::Replay, &away), None);
    assert_eq!(damage_reports.reported(), 0);
}
