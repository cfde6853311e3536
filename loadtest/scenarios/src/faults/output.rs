//! Log output cannot be written. An upstream outage makes the program log meanwhile.

use anyhow::{Result, ensure};

use super::testbed::PATIENCE;
use super::trial::Trial;
use crate::service::Launch;

/// Standard error on a device that is always full.
pub(super) async fn stderr_full(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/sh", "2>/dev/full")).await
}

/// Standard error into a pipe without a reader.
pub(super) async fn stderr_closed(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/bash", "2> >(exec true)")).await
}

/// Standard output on a device that is always full.
pub(super) async fn stdout_full(trial: &mut Trial) -> Result<()> {
    silenced(trial, &Launch::redirected("/bin/sh", ">/dev/full")).await
}

async fn silenced(trial: &mut Trial, launch: &Launch) -> Result<()> {
    let data = trial.testbed.folder().join("data");
    trial.testbed.serve(&data, launch, &[]).await?;
    trial.inject().await?;
    trial.testbed.proxy.close();
    let again = async {
        while trial.testbed.proxy.refused() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await;
    ensure!(again.is_ok(), "the program does not retry the upstream");
    let refused = trial.testbed.proxy.refused();
    trial.evidence(format!("{refused} connections to the upstream refused"));
    trial.meanwhile().await?;
    trial.testbed.proxy.open();
    trial.afterwards().await
}
