//! The node's single reader of the log and the memory that all subscribers share.

use std::sync::Arc;

use fanjet_log::LogIdentity;
use parking_lot::Mutex;

use crate::config::TailConfig;

mod collections;
mod encoded;
mod compression;
mod encoder;
mod entry;
mod pool;

mod generation;
mod ring;
mod time_index;
mod window;

mod status;
mod traffic;

mod traces;
mod check;
mod feeder;

pub use collections::{CollectionId, Collections};
pub use compression::Compression;
pub use encoded::EncodedBytes;
pub use encoder::Encoder;
pub use entry::Entry;
pub use generation::Generation;
pub use pool::Pool;
pub use ring::{Head, Read, ReadLimit, Ring};
pub use time_index::{SeqRange, TimeIndex};
pub use window::{Oldest, Window};

pub(crate) use feeder::Feeder;
pub(crate) use pool::topics_of;
pub(crate) use status::TailStatus;
pub(crate) use traces::Traces;
pub(crate) use traffic::{Count, Counts, Row, Traffic};

/// Written by the feeder and read by everything else. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The collections that this node serves.
    pub(crate) pool: Arc<Pool>,
    pub(crate) ring: Arc<Ring>,
    /// The log that the ring follows, once it follows one.
    identity: Arc<Mutex<Option<LogIdentity>>>,
    pub(crate) window: Arc<Window>,
    pub(crate) index: Arc<TimeIndex>,
    pub(crate) collections: Arc<Mutex<Collections>>,
    pub(crate) status: Arc<TailStatus>,
    pub(crate) traffic: Arc<Traffic>,
}

impl Tail {
    pub(crate) fn new(config: &TailConfig, pool: Pool) -> Self {
        Self {
            pool: Arc::new(pool),
            ring: Arc::new(Ring::new(config.ring_bytes)),
            identity: Arc::default(),
            window: Arc::default(),
            index: Arc::new(TimeIndex::new(config.time_index_samples)),
            collections: Arc::new(Mutex::new(Collections::new(config.max_collections))),
            status: Arc::default(),
            traffic: Arc::default(),
        }
    }

    /// The log that the ring follows. Belongs to the ring's generation if that is the same before and afterwards.
    pub(crate) fn identity(&self) -> Option<LogIdentity> {
        *self.identity.lock()
    }

    /// Drops all state of a replaced log. The ring is first: state that is learned afterwards belongs to the new log.
    pub(crate) fn forget_log(&self) {
        self.ring.forget_log();
        *self.identity.lock() = None;
        self.window.forget_log();
        self.index.forget_log();
        self.status.forget_log();
    }
}
