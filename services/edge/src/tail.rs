//! The node's one reader of the log and the memory that all subscribers share.

use std::sync::Arc;

use parking_lot::Mutex;

mod feeder;

mod collections;
mod entry;

mod ring;
mod time_index;
mod window;

mod status;

pub use collections::{CollectionId, Collections};
pub use entry::Entry;
pub use ring::{Head, Read, ReadLimit, Ring};
pub use time_index::{Stretch, TimeIndex};
pub use window::{Oldest, Window};

pub(crate) use feeder::{Feeder, pause_after};
pub(crate) use status::TailStatus;

/// What the feeder keeps up to date, and everybody else reads. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    pub(crate) ring: Arc<Ring>,
    pub(crate) window: Arc<Window>,
    pub(crate) index: Arc<TimeIndex>,
    pub(crate) collections: Arc<Mutex<Collections>>,
    pub(crate) status: Arc<TailStatus>,
}

impl Tail {
    pub(crate) fn new(config: &crate::config::TailConfig) -> Self {
        Self {
            ring: Arc::new(Ring::new(config.ring_bytes)),
            window: Arc::default(),
            index: Arc::new(TimeIndex::new(config.time_index_samples)),
            collections: Arc::new(Mutex::new(Collections::new(config.max_collections))),
            status: Arc::default(),
        }
    }
}
