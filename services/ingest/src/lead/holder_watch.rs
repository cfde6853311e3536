//! Watches who holds the lease.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::lease::{HolderId, Holders, LeaseStore};
use futures::{Stream, StreamExt};
use tracing::debug;

/// The pause between the end of one watch and the next. A standby also asks by itself, so nothing depends on the watch.
const PAUSE: Duration = Duration::from_secs(1);

/// Never ends: a watch that ends is restarted.
pub(super) fn sightings(store: Arc<dyn LeaseStore>) -> impl Stream<Item = Option<HolderId>> {
    let nothing: Option<Holders> = None;
    futures::stream::unfold((store, nothing), async |(store, mut holders)| {
        loop {
            let failure = match &mut holders {
                None => match store.watch().await {
                    Ok(watching) => {
                        holders = Some(watching);
                        continue;
                    }
                    Err(error) => Some(error),
                },
                Some(watching) => match watching.next().await {
                    Some(Ok(holder)) => return Some((holder, (store, holders))),
                    Some(Err(error)) => Some(error),
                    None => None,
                },
            };
            debug!(?failure, "the lease watch ended, restarting it");
            holders = None;
            tokio::time::sleep(PAUSE).await;
        }
    })
}
