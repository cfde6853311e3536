//! Tests of the phases.

use super::*;

#[tokio::test(start_paused = true)]
async fn draining_begins_after_the_grace() {
    let shutdown = Shutdown::new(Stop::new());
    let began = tokio::time::Instant::now();
    shutdown.requested.cancel();
    let grace = Duration::from_secs(7);
    let led = shutdown.clone().run(grace).await;
    assert_eq!(led, Ok(()));
    assert!(shutdown.draining.is_cancelled());
    assert_eq!(began.elapsed(), grace);
}

#[tokio::test(start_paused = true)]
async fn a_failing_node_drains_without_grace() {
    let shutdown = Shutdown::new(Stop::new());
    let began = tokio::time::Instant::now();
    shutdown.draining.cancel();
    let led = shutdown.clone().run(Duration::from_secs(7)).await;
    assert_eq!(led, Ok(()));
    assert!(shutdown.requested.is_cancelled());
    assert!(began.elapsed().is_zero());
    assert!(!shutdown.finished.is_cancelled());
}
