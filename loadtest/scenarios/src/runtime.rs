//! The async runtime of a scenario.

use anyhow::Result;

/// Runs a future to completion.
pub(crate) fn block_on(scenario: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(scenario)
}
