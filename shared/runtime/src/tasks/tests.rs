use std::convert::Infallible;

use super::*;

async fn until_stopped(stop: Stop) -> Result<(), Infallible> {
    stop.cancelled().await;
    Ok(())
}

#[tokio::test]
async fn a_failure_that_matters_stops_the_siblings_and_is_returned() {
    let mut tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    tasks.spawn("waits", OnFailure::Log, until_stopped(stop));
    tasks.spawn("fails", OnFailure::StopAll, async { Err("disk on fire") });
    assert_eq!(
        tasks.join().await.unwrap_err().to_string(),
        "task fails failed: disk on fire"
    );
}

#[tokio::test]
async fn a_panic_is_a_failure_with_a_name() {
    let mut tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    tasks.spawn("waits", OnFailure::Log, until_stopped(stop));
    tasks.spawn("panics", OnFailure::StopAll, async {
        assert_eq!(1 + 1, 3, "arithmetic");
        Ok::<(), Infallible>(())
    });
    let failure = tasks.join().await.unwrap_err();
    assert_eq!(failure.name, "panics");
    assert!(failure.reason.contains("panic"), "{}", failure.reason);
}

#[tokio::test]
async fn a_failure_that_does_not_matter_leaves_the_others_alone() {
    let mut tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    tasks.spawn("fails", OnFailure::Log, async { Err("no matter") });
    tasks.spawn("waits", OnFailure::StopAll, until_stopped(stop.clone()));
    tokio::task::yield_now().await;
    assert!(!stop.is_cancelled());
    stop.cancel();
    tasks.join().await.unwrap();
}
