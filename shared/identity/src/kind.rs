//! What one kind of look-up decides for itself.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::fair::Shares;
use crate::fetch::NoAnswer;
use crate::rate::Rate;

/// A look-up being made. `None`: there is nothing to be found.
pub type Looking<T> = BoxFuture<'static, Result<Option<T>, NoAnswer>>;

/// One kind of look-up.
pub trait Kind<T>: Send + Sync {
    /// Whose share a look-up counts against; `None` when nobody may be asked.
    fn site(&self, key: &str) -> Option<String>;
    /// How much an answer takes.
    fn bytes(&self, answer: &T) -> usize;
    /// For how long it is remembered what a look-up has found, or that nobody has answered.
    fn time_to_live(&self, found: &Result<Option<T>, NoAnswer>) -> Duration;
    /// A look-up has ended; so many keys are remembered now.
    fn ended(&self, ended: Ended, remembered: usize);
}

/// How a look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With an answer.
    Found,
    /// There is nothing to be found.
    Nothing,
    /// Nobody answered as they should.
    Failed,
    /// Nobody answered in time.
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

/// How much there may be of everything.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Keys that are remembered.
    pub cached: usize,
    /// Bytes of their answers.
    pub cached_bytes: usize,
    /// Look-ups of one key because of what is sent under it.
    pub of_key: Rate,
    /// Look-ups at the same time.
    pub shares: Shares,
    /// Time for one look-up.
    pub timeout: Duration,
}
