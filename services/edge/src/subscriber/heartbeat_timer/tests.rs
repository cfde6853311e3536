use super::*;

#[test]
fn a_heartbeat_is_due_after_each_quiet_interval() {
    let start = Instant::now();
    let at = |quarter: u32| start + Duration::from_secs(1) * quarter;
    let mut timer = HeartbeatTimer::new(Duration::from_secs(4), start);
    assert_eq!(timer.interval(), Duration::from_secs(1));
    assert!(!timer.is_due(at(3), 0));
    assert!(timer.is_due(at(4), 0));
    // It could not be sent, so it stays due.
    assert!(timer.is_due(at(5), 0));
    timer.sent(at(5));
    assert!(!timer.is_due(at(8), 0));
    // Events were sent in between.
    assert!(!timer.is_due(at(9), 7));
    assert!(!timer.is_due(at(12), 7));
    assert!(timer.is_due(at(13), 7));
}
