use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;

fn damages() -> Damages {
    Damages::new(Metrics::new(&SdkMeterProvider::default().meter("test")))
}

#[test]
fn a_place_is_remembered_once_and_not_too_many_are() {
    let damages = damages();
    for _ in 0..3 {
        let met = damages.met(MetBy::Replay, &LogError::corrupt(7, "it is torn"));
        assert_eq!(met, Some(Damage { seq: 7 }));
    }
    assert_eq!(damages.told(), 1);
    for seq in 0..3 * MAX_TOLD as u64 {
        damages.met(MetBy::Cursor, &LogError::corrupt(seq, "it is torn"));
        assert!(damages.told() <= MAX_TOLD);
    }
}

#[test]
fn other_failures_are_no_damage() {
    let damages = damages();
    let away = LogError::unavailable("away");
    assert_eq!(damages.met(MetBy::Replay, &away), None);
    assert_eq!(damages.told(), 0);
}
