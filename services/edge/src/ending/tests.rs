//! Tests of the phases.

use super::*;

#[tokio::test(start_paused = true)]
async fn draining_begins_after_the_grace() {
    let ending = Ending::new(Stop::new());
    let began = tokio::time::Instant::now();
    ending.asked.cancel();
    let grace = Duration::from_secs(7);
    let led = ending.clone().run(grace).await;
    assert_eq!(led, Ok(()));
    assert!(ending.draining.is_cancelled());
    assert_eq!(began.elapsed(), grace);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_go_on_drains_without_grace_and_says_so() {
    let ending = Ending::new(Stop::new());
    let began = tokio::time::Instant::now();
    ending.draining.cancel();
    let led = ending.clone().run(Duration::from_secs(7)).await;
    assert_eq!(led, Ok(()));
    assert!(ending.asked.is_cancelled());
    assert!(began.elapsed().is_zero());
    assert!(!ending.over.is_cancelled());
}
