//! The one client that gets everything: what it receives settles the times of all events.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fanjet_oracle::{Filter, Ledger, Start, Verdict};
use tokio::time::Instant;

use super::{Until, Wish};

const POLL: Duration = Duration::from_millis(50);
/// How long silence must last behind the last event before an extra one is ruled out.
const EXTRA: Duration = Duration::from_secs(1);

/// Reads everything there is and will be.
pub(crate) async fn reference(url: String, ledger: Arc<Ledger>) -> Result<Verdict> {
    let wish = Wish {
        url: &url,
        query: "cursor=0&".to_owned(),
        filter: Filter::default(),
        is_compressed: false,
        receive_buffer: None,
    };
    let mut reader = wish.connect(&ledger, |_| Start::At(0)).await?;
    reader.be_reference();
    while !ledger.is_complete() {
        reader.read(Until::Time(Instant::now() + POLL)).await?;
    }
    reader.read(Until::Index(ledger.known())).await?;
    reader.read(Until::Time(Instant::now() + EXTRA)).await?;
    Ok(reader.verdict())
}
