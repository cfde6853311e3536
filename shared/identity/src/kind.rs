//! The decisions of one kind of lookup.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::fair::Shares;
use crate::fetch::NoAnswer;
use crate::rate::Rate;

/// A running lookup. `None`: the result does not exist.
pub type Looking<T> = BoxFuture<'static, Result<Option<T>, NoAnswer>>;

/// One kind of lookup.
pub trait Kind<T>: Send + Sync {
    /// The site that a lookup counts against; `None` if the key cannot be looked up.
    fn site(&self, key: &str) -> Option<String>;
    /// The size of a result.
    fn bytes(&self, answer: &T) -> usize;
    /// How long a result, or a failure, is cached.
    fn time_to_live(&self, found: &Result<Option<T>, NoAnswer>) -> Duration;
    /// A lookup ended; this many keys are cached now.
    fn ended(&self, ended: Ended, remembered: usize);
}

/// How a lookup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With a result.
    Found,
    /// The result does not exist.
    Nothing,
    /// Without a valid response.
    Failed,
    /// Without a response in time.
    Timeout,
}

impl Ended {
    pub(crate) fn of<T>(found: &Result<Option<T>, NoAnswer>) -> Self {
        match found {
            Ok(Some(_)) => Self::Found,
            Ok(None) => Self::Nothing,
            Err(NoAnswer::Timeout) => Self::Timeout,
            Err(_) => Self::Failed,
        }
    }

    pub(crate) fn has_answered(self) -> bool {
        matches!(self, Self::Found | Self::Nothing)
    }
}

/// Limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Cached keys.
    pub cached: usize,
    /// Bytes of cached results.
    pub cached_bytes: usize,
    /// Rate of lookups per key that events may cause.
    pub of_key: Rate,
    /// Concurrent lookups.
    pub shares: Shares,
    /// Timeout of one lookup.
    pub timeout: Duration,
}
