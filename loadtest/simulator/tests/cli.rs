//! The program: its one line of output, its exit codes, its error messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers included"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn simulator(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanjet-simulator"));
    command.args(args);
    command
}

#[test]
fn announces_its_address_and_ends_at_sigterm() {
    let mut child = simulator(&["--listen", "127.0.0.1:0", "--accounts", "5", "--limit", "3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let port = line.strip_prefix("listening ws://127.0.0.1:").unwrap();
    port.parse::<u16>().unwrap();
    let killed = Command::new("kill").arg(child.id().to_string()).status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines.count(), 0);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(
        log.contains("\"faults\":{") || log.contains("faults"),
        "{log}"
    );
}

#[test]
fn wrong_flags_are_explained() {
    for (args, complaint) in [
        (&["--rate", "0"][..], "frames per second, above 0, or max"),
        (&["--fault", "sunspots=0.1"], "unknown fault \"sunspots\""),
        (&["--fault", "garbage=2"], "not a probability"),
        (&["--fault", "garbage=every:0"], "count of frames above 0"),
        (&["--replay", "x", "--seed", "1"], "cannot be used with"),
        (&["--start", "noon"], "Unix microseconds or now"),
    ] {
        let output = simulator(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains(complaint), "{args:?}: {log}");
    }
}

#[test]
fn what_cannot_work_fails() {
    for args in [
        &["--accounts", "0"][..],
        &["--replay", "/does/not/exist"],
        &["--listen", "192.0.2.1:1", "--accounts", "2"],
    ] {
        let output = simulator(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(!output.stderr.is_empty());
    }
}
