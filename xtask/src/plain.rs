//! The program as the README's first command builds it, which no test of the workspace does: with the demo and without Kafka.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::programs::{Profile, executable};
use fanjet_tools::shell::{cargo, root, run as run_command};

/// As on the page.
const FIRST: [&str; 5] = ["run", "-p", "fanjet", "--", "demo"];
/// What needs Kafka, each in a way of its own.
const KAFKA: [&[&str]; 3] = [
    &["kafka"],
    &["kafka", "firehose", "relay"],
    &[
        "serve",
        "--kafka",
        "broker:9092",
        "--output-topic",
        "events",
    ],
];
/// A setting cannot be used.
const UNUSABLE: i32 = 78;

/// Shows some of the demo's events, and asks for what this build has not.
pub(crate) fn check() -> Result<()> {
    let page = std::fs::read_to_string(root().join("README.md"))?;
    let first = format!("cargo {}", FIRST.join(" "));
    ensure!(page.contains(&first), "the README has no `{first}`");
    run_command(cargo().args(FIRST).args(["--events", "20"]))?;
    for words in KAFKA {
        let program = executable(Profile::Dev, "fanjet");
        let ended = Command::new(&program).args(words).env_clear().output();
        let ended = ended.with_context(|| format!("cannot run {}", program.display()))?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let is_helpful = said.contains("no Kafka client") && said.contains("--features kafka");
        ensure!(
            ended.status.code() == Some(UNUSABLE) && is_helpful,
            "without Kafka, fanjet {} ended with {}: {said}",
            words.join(" "),
            ended.status
        );
    }
    println!("plain: the demo runs, and Kafka says how to get it");
    Ok(())
}
