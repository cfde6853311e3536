//! One server for all tests of a binary that run at the same time.

use std::sync::{Arc, Weak};

use anyhow::Result;
use tokio::sync::Mutex;

/// For a `static`: the first user starts the server, the last one that drops it stops it.
#[derive(Debug)]
pub(crate) struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::const_new(Weak::new()))
    }

    /// Other users wait while it starts.
    pub(crate) async fn get<F>(&self, start: impl FnOnce() -> F) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let mut shared = self.0.lock().await;
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(start().await?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }
}
