//! Queries a program's ops port as an operator's probe does: a new connection each time, and a short timeout.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http;
use crate::service::Service;

/// Timeout of a probe.
const PATIENCE: Duration = Duration::from_secs(5);

/// In place of a status: no process listens.
pub(super) const NO_LISTENER: u16 = 0;

/// The response of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbeResponse {
    pub(super) status: u16,
    /// What it waits for, and why.
    pub(super) missing: BTreeMap<String, String>,
    /// Ready, but only as a standby.
    pub(super) is_standby: bool,
}

/// Asks `/readyz`.
///
/// # Errors
/// When it does not respond, or has ended.
pub(super) async fn readiness(service: &Service) -> Result<ProbeResponse> {
    service.check()?;
    let (status, body) = match get(&service.ops, "/readyz").await {
        Err(error) if is_refused(&error) => (NO_LISTENER, "{}".to_owned()),
        answer => answer.with_context(|| service.name.clone())?,
    };
    let report: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
    let parts = report["missing"].as_object().into_iter().flatten();
    let missing = parts.map(|(part, reason)| {
        let reason = reason.as_str().unwrap_or_default();
        (part.clone(), reason.to_owned())
    });
    Ok(ProbeResponse {
        status,
        missing: missing.collect(),
        is_standby: report["facts"]["role"] == "standby",
    })
}

fn is_refused(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Checks that `/livez` responds with 200.
pub(super) async fn is_alive(ops: &str) -> Result<()> {
    let (status, body) = get(ops, "/livez").await?;
    ensure!(status == 200, "/livez responds {status}: {body}");
    Ok(())
}

/// Status and body of a GET.
async fn get(ops: &str, path: &str) -> Result<(u16, String)> {
    tokio::time::timeout(PATIENCE, http::get(ops, path))
        .await
        .with_context(|| format!("no response to {path} in {PATIENCE:?}"))?
}
