//! The reference client that gets everything: it sets the times of all events.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fanjet_oracle::{Filter, Ledger, Start, Verdict};
use tokio::time::Instant;

use super::{Until, Wish};

const POLL: Duration = Duration::from_millis(50);
/// How long the silence after the last event must last.
const EXTRA: Duration = Duration::from_secs(1);

/// Reads all events, existing and new.
pub(crate) async fn reference(url: String, ledger: Arc<Ledger>) -> Result<Verdict> {
    let wish = Wish {
        url: &url,
        query: "cursor=0&".to_owned(),
        filter: Filter::default(),
        is_compressed: false,
        is_v2: false,
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
