use super::*;

#[tokio::test(start_paused = true)]
async fn readiness_needs_a_connection_and_a_recent_confirmation() {
    let status = TailStatus::default();
    let start = Instant::now();
    let within = Duration::from_secs(30);
    assert_eq!(
        status.objection(start, within),
        Some(NotReady::TailDisconnected)
    );
    status.following();
    assert_eq!(status.objection(start, within), Some(NotReady::TailStale));
    status.confirmed_fresh(start);
    assert_eq!(status.objection(start + within, within), None);
    let late = start + within + Duration::from_millis(1);
    assert_eq!(status.objection(late, within), Some(NotReady::TailStale));
    status.confirmed_fresh(late);
    status.disconnected();
    assert_eq!(
        status.objection(late, within),
        Some(NotReady::TailDisconnected)
    );
}
