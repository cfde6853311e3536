//! Log lines that nobody takes. Something must be said meanwhile: the upstream goes away.

use anyhow::{Result, ensure};

use super::stage::PATIENCE;
use super::trial::Trial;
use crate::service::Launch;

/// Standard error on a device that is always full.
pub(super) async fn stderr_full(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/sh", "2>/dev/full")).await
}

/// Standard error into a pipe that nobody reads any more.
pub(super) async fn stderr_closed(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/bash", "2> >(exec true)")).await
}

/// Standard output on a device that is always full.
pub(super) async fn stdout_full(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/sh", ">/dev/full")).await
}

async fn silenced(trial: &mut Trial, launch: &Launch) -> Result<()> {
    let data = trial.stage.folder().join("data");
    trial.stage.serve(&data, launch, &[]).await?;
    trial.strike().await?;
    trial.stage.gate.close();
    let again = async {
        while trial.stage.gate.refused() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await;
    ensure!(again.is_ok(), "the upstream is not tried again");
    let refused = trial.stage.gate.refused();
    trial.evidence(format!("{refused} connections to the upstream refused"));
    trial.meanwhile().await?;
    trial.stage.gate.open();
    trial.afterwards().await
}
