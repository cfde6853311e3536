//! What containers without a shell ask of the program: how the running one is, and to wait.

use std::time::{Duration, Instant};

use fanjet_simulator::Rate;

use crate::rig::{PATIENCE, Served, fanjet, simulator};

/// The exit code of a health check with these settings, and what it said.
async fn check(ops: &str, question: &str) -> (Option<i32>, String) {
    let asking = fanjet(&["serve", question, "--set", &format!("ops.listen={ops}")]);
    let asking = asking.start().unwrap();
    let code = asking.wait(PATIENCE).await.unwrap().code();
    (code, asking.lines().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_asks_the_running_process() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(3, 10, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    let ops = served.ops.clone();
    let (code, said) = check(&ops, "--healthcheck").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("\"ready\":true"), "{said}");
    let (code, said) = check(&ops, "--healthcheck=live").await;
    assert_eq!(code, Some(0), "{said}");
    served.stop().await;
    let (code, said) = check(&ops, "--healthcheck=live").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&ops), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_starts_nothing() {
    let begun = Instant::now();
    // A setting that is wrong would be told if any were read: a leaving process must be waited for in any case.
    let waiting = fanjet(&["serve", "--drain-wait", "300ms", "--set", "no.such=key"]);
    let waiting = waiting.start().unwrap();
    let status = waiting.wait(PATIENCE).await.unwrap();
    assert!(status.success(), "{:?}", waiting.lines());
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(waiting.lines(), Vec::<String>::new());
}
