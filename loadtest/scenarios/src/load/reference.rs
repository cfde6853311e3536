//! The one client that gets everything: what it receives settles the times of all events.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::{Oracle, Start, Tally, Until, Wish};
use crate::filter::Filter;

const POLL: Duration = Duration::from_millis(50);

/// Reads everything there is and will be.
pub(crate) async fn reference(url: String, oracle: Arc<Oracle>) -> Result<Tally> {
    let wish = Wish {
        url: &url,
        query: "cursor=0&".to_owned(),
        filter: Filter::default(),
        is_compressed: false,
        receive_buffer: None,
    };
    let mut reader = wish.connect(&oracle, |_| Start::At(0)).await?;
    reader.be_reference();
    while !oracle.is_complete() {
        reader.read(Until::Time(Instant::now() + POLL)).await?;
    }
    reader.read(Until::Index(oracle.known())).await?;
    Ok(reader.tally())
}
