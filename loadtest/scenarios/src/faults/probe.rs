//! What a program says on its ops port, asked as an operator's probe asks: a new connection each time, and little patience.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http;
use crate::service::Service;

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
///
/// # Errors
/// When it says nothing, or has ended.
pub(super) async fn readiness(service: &Service) -> Result<Answer> {
    service.check()?;
    let (status, body) = match get(&service.ops, "/readyz").await {
        Err(error) if is_refused(&error) => (NOBODY, "{}".to_owned()),
        answer => answer.with_context(|| service.name.clone())?,
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

/// Status and body of a GET.
async fn get(ops: &str, path: &str) -> Result<(u16, String)> {
    tokio::time::timeout(PATIENCE, http::get(ops, path))
        .await
        .with_context(|| format!("no answer to {path} in {PATIENCE:?}"))?
}
