//! One program as a process: how it is told its settings, what it says when it is up, how it is asked and stopped.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;
use fanjet_tools::programs::{Profile, executable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time for a process to say that it is ready, and for one to end when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Stops a process as an operator would.
pub(crate) async fn stop(process: &Process, name: &str) -> Result<()> {
    let status = process
        .stop(PATIENCE)
        .await
        .with_context(|| format!("{name} does not stop"))?;
    ensure!(
        status.success(),
        "{name} ended with {status}:\n{}",
        process.lines().join("\n")
    );
    Ok(())
}

/// One of the programs, without this process' environment.
pub(crate) fn program(profile: Profile, name: &str) -> Program {
    Program::new(executable(profile, name)).clean_env()
}

/// A flag that sets one setting.
pub(crate) fn set(key: &str, value: &str) -> [String; 2] {
    ["--set".to_owned(), format!("{key}={value}")]
}

/// Waits until a service says on its ops port that it is ready for traffic.
pub(crate) async fn wait_until_ready(process: &Process) -> Result<()> {
    let ops = printed(process, "ops http://").await?;
    let asking = async {
        while !is_ready(&ops).await.unwrap_or(false) {
            tokio::time::sleep(POLL).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, asking).await;
    in_time.with_context(|| {
        format!(
            "not ready after {PATIENCE:?}:\n{}",
            process.lines().join("\n")
        )
    })
}

async fn is_ready(ops: &str) -> Result<bool> {
    Ok(get(ops, "/readyz").await?.starts_with("HTTP/1.1 200"))
}

/// What a GET on an ops port answers, headers included.
pub(crate) async fn get(ops: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(ops).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The URL that a program prints when it listens.
pub(crate) async fn listening(process: &Process) -> Result<String> {
    printed(process, "listening ").await
}

/// What a program prints behind a word.
pub(crate) async fn printed(process: &Process, word: &str) -> Result<String> {
    let line = process
        .wait_for_line(|line| line.starts_with(word), PATIENCE)
        .await?;
    Ok(line[word.len()..].to_owned())
}
