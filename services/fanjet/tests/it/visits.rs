//! What containers without a shell ask of the program: how the running one is, and to wait.

use std::time::{Duration, Instant};

use fanjet_simulator::Rate;

use crate::rig::{Served, run, simulator};

/// The exit code of a health check with these settings, and what it said.
async fn check(ops: &str, question: &str) -> (Option<i32>, String) {
    let set = format!("ops.listen={ops}");
    run(&["serve", question, "--set", &set], &[]).await
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
    let args = ["serve", "--drain-wait", "300ms", "--set", "no.such=key"];
    assert_eq!(run(&args, &[]).await, (Some(0), String::new()));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}
