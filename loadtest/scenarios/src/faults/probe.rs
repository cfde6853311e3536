//! What a program says on its ops port, asked as an operator's probe asks: a new connection each time, and little patience.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A probe that gets no answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// In place of a status: nobody listens.
pub(super) const NOBODY: u16 = 0;

/// What `/readyz` answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// What it waits for, and why.
    pub(super) missing: BTreeMap<String, String>,
    /// Ready, but only to take over.
    pub(super) is_standby: bool,
}

/// Asks `/readyz`.
pub(super) async fn readiness(ops: &str) -> Result<Answer> {
    let (status, body) = match get(ops, "/readyz").await {
        Err(error) if is_refused(&error) => (NOBODY, "{}".to_owned()),
        answer => answer?,
    };
    let report: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
    let parts = report["missing"].as_object().into_iter().flatten();
    let missing = parts.map(|(part, reason)| {
        let reason = reason.as_str().unwrap_or_default();
        (part.clone(), reason.to_owned())
    });
    Ok(Answer {
        status,
        missing: missing.collect(),
        is_standby: report["facts"]["role"] == "standby",
    })
}

fn is_refused(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// That `/livez` answers 200.
pub(super) async fn is_alive(ops: &str) -> Result<()> {
    let (status, body) = get(ops, "/livez").await?;
    ensure!(status == 200, "/livez answers {status}: {body}");
    Ok(())
}

/// The sum of a metric, named with or without its labels; 0 when nothing has counted yet.
pub(super) async fn metric(ops: &str, name: &str) -> Result<f64> {
    let (_, page) = get(ops, "/metrics").await?;
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_whole = rest.starts_with([' ', '{']);
        is_whole.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
    });
    Ok(values.sum())
}

/// Status and body of a GET.
pub(super) async fn get(ops: &str, path: &str) -> Result<(u16, String)> {
    let asking = async {
        let mut stream = TcpStream::connect(ops).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .with_context(|| format!("no answer to {path} in {PATIENCE:?}"))?
}
