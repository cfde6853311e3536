use super::*;

#[test]
fn a_drain_spread_above_the_deadline_is_an_error() {
    let refused = |spread, deadline| {
        let drain = DrainConfig {
            spread: Duration::from_millis(spread),
            deadline: Duration::from_millis(deadline),
            ..DrainConfig::default()
        };
        drain.check().err().map(|error| error.to_string())
    };
    assert_eq!(refused(0, 0), None);
    assert_eq!(refused(1000, 1000), None);
    for (spread, deadline) in [(1001, 1000), (100, 1500)] {
        let words = refused(spread, deadline).unwrap();
        assert!(
            words.starts_with("invalid setting edge.drain.spread: "),
            "{words}"
        );
    }
}
