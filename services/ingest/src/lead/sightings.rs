//! Who is seen to hold the lease, for as long as anybody looks.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::lease::{HolderId, Holders, LeaseStore};
use futures::{Stream, StreamExt};
use tracing::debug;

/// Between the end of one watch and the next. A standby asks by itself as well, so nothing depends on it.
const PAUSE: Duration = Duration::from_secs(1);

/// Never ends: a watch that does is begun again.
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
            debug!(?failure, "the watch of the lease ended, it is begun again");
            holders = None;
            tokio::time::sleep(PAUSE).await;
        }
    })
}
