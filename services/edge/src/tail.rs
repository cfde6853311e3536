//! The node's one reader of the log and the memory that all subscribers share.

use std::sync::Arc;

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
pub use time_index::{Stretch, TimeIndex};
pub use window::{Oldest, Window};

pub(crate) use feeder::Feeder;
pub(crate) use pool::topics_of;
pub(crate) use status::TailStatus;
pub(crate) use traces::Traces;
pub(crate) use traffic::{Count, Counts, Row, Traffic};

/// What the feeder keeps up to date, and everybody else reads. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// What of the log is here.
    pub(crate) pool: Arc<Pool>,
    pub(crate) ring: Arc<Ring>,
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
            window: Arc::default(),
            index: Arc::new(TimeIndex::new(config.time_index_samples)),
            collections: Arc::new(Mutex::new(Collections::new(config.max_collections))),
            status: Arc::default(),
            traffic: Arc::default(),
        }
    }

    /// Forgets everything of a log in whose place there is another one. The ring comes first: what is found out after that is
    /// of the other one.
    pub(crate) fn begin_anew(&self) {
        self.ring.begin_anew();
        self.window.begin_anew();
        self.index.begin_anew();
        self.status.begin_anew();
    }
}
