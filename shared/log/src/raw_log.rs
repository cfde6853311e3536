//! The raw log, which is opened when it is needed first.
//!
//! What reads or writes it must be able to wait for it while the log of events is served: opening it may take long, or
//! fail until an operator acts.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::{Bookmarks, EventLog, LogError};

/// The raw log once it is open.
#[derive(Clone)]
pub struct OpenRawLog {
    /// The log itself.
    pub log: Arc<dyn EventLog>,
    /// The bookmarks beside it.
    pub bookmarks: Arc<dyn Bookmarks>,
}

type Open = Box<dyn Fn() -> BoxFuture<'static, Result<OpenRawLog, LogError>> + Send + Sync>;

/// A raw log that all parts of a process share. Clones share it too.
#[derive(Clone)]
pub struct RawLog(Arc<Shared>);

struct Shared {
    open: Open,
    opened: OnceCell<OpenRawLog>,
}

impl RawLog {
    /// A raw log that `open` opens. It is called again after a failure, and never twice at the same time.
    pub fn new(
        open: impl Fn() -> BoxFuture<'static, Result<OpenRawLog, LogError>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            open: Box::new(open),
            opened: OnceCell::new(),
        }))
    }

    /// One that is open already.
    pub fn opened(log: Arc<dyn EventLog>, bookmarks: Arc<dyn Bookmarks>) -> Self {
        let opened = OpenRawLog { log, bookmarks };
        Self::new(move || Box::pin(std::future::ready(Ok(opened.clone()))))
    }

    /// Opens it, unless that was done before.
    ///
    /// # Errors
    /// [`LogError`]; the next call tries again.
    pub async fn get(&self) -> Result<OpenRawLog, LogError> {
        let opened = self.0.opened.get_or_try_init(|| (self.0.open)());
        opened.await.cloned()
    }
}

impl fmt::Debug for RawLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawLog")
            .field("is_open", &self.0.opened.initialized())
            .finish()
    }
}
