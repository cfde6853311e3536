use proptest::prelude::*;

use super::*;
use crate::tail::Count;

/// Adds increments to totals, row by row.
fn grown(counts: &mut Counts, by: &[u64]) {
    if counts.rows.len() < by.len() {
        counts.rows.resize(by.len(), Count::default());
    }
    for (row, &events) in counts.rows.iter_mut().zip(by) {
        row.events += events;
        counts.events += events;
        counts.bytes += events * 10;
    }
}

#[test]
fn rates_use_the_elapsed_time() {
    let (mut rates, mut counts) = (Rates::default(), Counts::default());
    for _ in 0..2 {
        grown(&mut counts, &[4, 0, 2]);
        rates.observe(&counts, Duration::from_millis(1_500));
    }
    assert_eq!(rates.now().events_per_second(), 4.0);
    assert_eq!(rates.now().bytes_per_second(), 40.0);
    assert_eq!(rates.hour().time, Duration::from_secs(3));
    assert_eq!(
        (rates.of_row(0), rates.of_row(1), rates.of_row(2)),
        (8, 0, 4)
    );
    assert_eq!(rates.minutes(), [4.0]);
    // An unknown row has no events.
    assert_eq!(rates.of_row(99), 0);
    assert_eq!(Rates::default().now().events_per_second(), 0.0);
}

proptest! {
    /// Compares with a model that keeps everything.
    #[test]
    fn windows_equal_the_model(steps in proptest::collection::vec(
        (1_u64..3_000, proptest::collection::vec(0_u64..5, 0..6)), 1..4_000)
    ) {
        let (mut rates, mut counts) = (Rates::default(), Counts::default());
        for (millis, by) in &steps {
            grown(&mut counts, by);
            rates.observe(&counts, Duration::from_millis(*millis));
        }
        let last = |count: usize| &steps[steps.len().saturating_sub(count)..];
        let time = |steps: &[(u64, Vec<u64>)]| Duration::from_millis(steps.iter().map(|step| step.0).sum());
        let events = |steps: &[(u64, Vec<u64>)]| steps.iter().flat_map(|step| &step.1).sum::<u64>();
        for (flow, count) in [(rates.now(), NOW), (rates.hour(), HOUR)] {
            let expected = Flow { time: time(last(count)), events: events(last(count)), bytes: 10 * events(last(count)) };
            prop_assert_eq!(flow, expected);
        }
        prop_assert_eq!(rates.measured(), time(last(MINUTE)));
        for row in 0..6 {
            let expected: u64 = last(MINUTE).iter().filter_map(|step| step.1.get(row)).sum();
            prop_assert_eq!(rates.of_row(row), expected);
        }
        prop_assert_eq!(rates.minutes().len(), steps.len().min(HOUR).div_ceil(MINUTE));
        prop_assert!(rates.minute.len() <= MINUTE && rates.hour.len() <= HOUR);
    }
}
