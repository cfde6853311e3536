//! What makes a process a candidate.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::lease::{Alone, HolderId, LeaseStore};

use super::machine::Timing;
use crate::IngestError;
use crate::config::LeaseConfig;

/// Long enough to be practically infinite, short enough for every clock and timer.
const ENDLESS: Timing = Timing {
    ttl: Duration::from_secs(365 * 24 * 3600),
    renew_interval: Duration::from_secs(100 * 24 * 3600),
    pause: Duration::from_secs(1),
};

/// The name and the lease that an ingest competes with.
#[derive(Clone)]
pub struct Candidacy {
    pub(super) store: Arc<dyn LeaseStore>,
    pub(super) holder: HolderId,
    pub(super) timing: Timing,
}

impl Candidacy {
    /// One of several processes that share a lease. Each process needs its own `instance`, and so does a restarted one.
    ///
    /// # Errors
    /// [`IngestError::Config`] for times that contradict each other, or an instance that is not a valid name.
    pub fn shared(
        store: Arc<dyn LeaseStore>,
        instance: &str,
        config: &LeaseConfig,
    ) -> Result<Self, IngestError> {
        config.validate()?;
        Ok(Self {
            store,
            holder: holder(instance)?,
            timing: Timing {
                ttl: config.ttl,
                renew_interval: config.renew_interval,
                pause: config.renew_interval,
            },
        })
    }

    /// The only process, or one that is configured so: it leads at once and forever. If another writer exists, the
    /// log's fence still keeps a single history, but the two obstruct each other.
    ///
    /// # Errors
    /// [`IngestError::Config`] for an instance that is not a valid name.
    pub fn alone(instance: &str) -> Result<Self, IngestError> {
        Ok(Self {
            store: Arc::new(Alone),
            holder: holder(instance)?,
            timing: ENDLESS,
        })
    }
}

impl Candidacy {
    /// The name that it acquires the lease under.
    pub(crate) fn instance(&self) -> &str {
        self.holder.as_str()
    }
}

fn holder(instance: &str) -> Result<HolderId, IngestError> {
    HolderId::new(instance).ok_or_else(|| IngestError::Config {
        key: "instance",
        reason: format!(
            "{instance:?} is not a valid name; allowed: 1 to 255 visible ASCII characters"
        ),
    })
}
