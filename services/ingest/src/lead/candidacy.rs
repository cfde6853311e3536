//! What makes a process a candidate.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::lease::{Alone, HolderId, LeaseStore};

use super::machine::Timing;
use crate::IngestError;
use crate::config::LeaseConfig;

/// Long enough to never end, short enough for every clock and timer.
const ENDLESS: Timing = Timing {
    ttl: Duration::from_secs(365 * 24 * 3600),
    renew_interval: Duration::from_secs(100 * 24 * 3600),
    pause: Duration::from_secs(1),
};

/// By which name, and where, an ingest asks for its turn.
#[derive(Clone)]
pub struct Candidacy {
    pub(super) store: Arc<dyn LeaseStore>,
    pub(super) holder: HolderId,
    pub(super) timing: Timing,
}

impl Candidacy {
    /// One of several that share a lease. `instance` must be another for each process, also for a restarted one.
    ///
    /// # Errors
    /// [`IngestError::Config`] for times that do not fit together, or an instance that is no name.
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

    /// The only one, or so it says: it leads at once and for ever. Beside another writer the log's fence still
    /// keeps one history, but both stand in each other's way.
    ///
    /// # Errors
    /// [`IngestError::Config`] for an instance that is no name.
    pub fn alone(instance: &str) -> Result<Self, IngestError> {
        Ok(Self {
            store: Arc::new(Alone),
            holder: holder(instance)?,
            timing: ENDLESS,
        })
    }
}

impl Candidacy {
    /// By which name it asks.
    pub(crate) fn instance(&self) -> &str {
        self.holder.as_str()
    }
}

fn holder(instance: &str) -> Result<HolderId, IngestError> {
    HolderId::new(instance).ok_or_else(|| IngestError::Config {
        key: "instance",
        reason: format!("{instance:?} is no name; allowed: 1 to 255 visible ASCII characters"),
    })
}
