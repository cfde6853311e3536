//! `--healthcheck` and `--drain-wait`, for containers without a shell.

use std::time::{Duration, Instant};

use fanjet_simulator::Rate;

use crate::harness::{Served, run, simulator};

/// The exit code and the output of a health check with these settings.
async fn check(ops: &str, question: &str) -> (Option<i32>, String) {
    let set = format!("ops.listen={ops}");
    run(&["serve", question, "--set", &set], &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_queries_the_running_process() {
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
async fn drain_wait_starts_nothing() {
    let begun = Instant::now();
    // Settings are not read, so an invalid one is no error: a stopping pod must wait in any case.
    let args = ["serve", "--drain-wait", "300ms", "--set", "no.such=key"];
    assert_eq!(run(&args, &[]).await, (Some(0), String::new()));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}
