use std::os::unix::process::ExitStatusExt;

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Process {
    Program::new("sh").args(["-c", script]).start().unwrap()
}

#[tokio::test]
async fn lines_of_both_streams_are_found_early_and_late() {
    let process = shell("echo first; echo second >&2; read never; exec sleep 1000");
    let line = process.wait_for_line(|line| line == "second", SOON).await;
    assert_eq!(line.unwrap(), "second");
    let line = process.wait_for_line(|line| line == "first", SOON).await;
    assert_eq!(line.unwrap(), "first");
}

#[tokio::test]
async fn a_line_that_never_comes_is_an_error_with_the_output() {
    let process = shell("echo only; exit 3");
    let error = process
        .wait_for_line(|line| line == "other", SOON)
        .await
        .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("only") && text.contains("ended without"),
        "{text}"
    );
    assert_eq!(process.wait(SOON).await.unwrap().code(), Some(3));

    let process = shell("echo only; exec sleep 1000");
    let short = Duration::from_millis(50);
    assert!(
        process
            .wait_for_line(|line| line == "other", short)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_line_counts_only_behind_what_was_seen() {
    let process =
        shell("echo tick; trap 'echo tick' TERM; echo ready; while :; do sleep 0.01; done");
    process
        .wait_for_line(|line| line == "ready", SOON)
        .await
        .unwrap();
    let seen = process.line_count();
    let short = Duration::from_millis(50);
    let tick = |line: &str| line == "tick";
    assert!(
        process
            .wait_for_line_after(seen, tick, short)
            .await
            .is_err()
    );
    process.signal(Signal::TERM).unwrap();
    process.wait_for_line_after(seen, tick, SOON).await.unwrap();
}

#[tokio::test]
async fn it_is_stopped_killed_frozen_and_thawed() {
    let polite = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    polite
        .wait_for_line(|line| line == "ready", SOON)
        .await
        .unwrap();
    polite.freeze().await.unwrap();
    let short = Duration::from_millis(50);
    assert!(polite.stop(short).await.is_err(), "frozen, it cannot stop");
    polite.thaw().unwrap();
    assert_eq!(polite.wait(SOON).await.unwrap().code(), Some(7));

    let stubborn = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    stubborn
        .wait_for_line(|line| line == "ready", SOON)
        .await
        .unwrap();
    assert!(stubborn.stop(short).await.is_err());
    assert_eq!(stubborn.kill().await.unwrap().signal(), Some(9));
}

#[tokio::test]
async fn dropping_kills_and_reaps() {
    let process = shell("exec sleep 1000");
    let pid = process.pid;
    drop(process);
    assert!(rustix::process::test_kill_process(pid).is_err());
}

#[tokio::test]
async fn the_environment_is_given_or_clean() {
    let process = Program::new("/bin/sh")
        .args(["-c", "echo \"$HELLO-$HOME\""])
        .env("HELLO", "world")
        .clean_env()
        .start()
        .unwrap();
    process
        .wait_for_line(|line| line == "world-", SOON)
        .await
        .unwrap();
}
