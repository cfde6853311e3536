//! Where the asynchronous part of a scenario runs.

use anyhow::Result;

/// Runs it to its end.
pub(crate) fn block_on(scenario: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(scenario)
}
