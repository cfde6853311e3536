//! The log that the readers of a connection read.
//!
//! A stream can be deleted and re-created under its name, and a server's response to a request for a message does not
//! identify the stream. The creation time distinguishes streams; the server reports it with the stream's bounds.

use std::time::Duration;

use async_nats::jetstream::stream::Info;
use fanjet_log::{LogError, LogIdentity};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a check of the stream is valid, unless the connection breaks. A stream re-created by this program starts
/// above everything before it, so data read from it meanwhile is not contiguous, which triggers a check in any case.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The current log, and the time of the last check.
#[derive(Debug)]
pub(crate) struct Pinned {
    state: Mutex<State>,
    /// Held during a check: others wait for its result.
    pub(crate) asking: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    identity: LogIdentity,
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    /// How often the connection had been lost.
    breaks: u64,
}

impl Pinned {
    pub(crate) fn new(identity: LogIdentity) -> Self {
        Self {
            state: Mutex::new(State {
                identity,
                seen: None,
            }),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the log was checked recently, on a connection that was lost this often.
    pub(crate) fn is_fresh(&self, breaks: u64, now: Instant) -> bool {
        let seen = self.state.lock().seen;
        seen.is_some_and(|seen| seen.breaks == breaks && now - seen.at < GOOD_FOR)
    }

    /// Applies the server's response. The request was sent when the connection had been lost this often.
    pub(crate) fn check(
        &self,
        found: LogIdentity,
        breaks: u64,
        now: Instant,
    ) -> Result<(), LogError> {
        let mut state = self.state.lock();
        if found != state.identity {
            state.seen = None;
            return Err(LogError::Replaced {
                expected: state.identity,
                found,
            });
        }
        state.seen = Some(Seen { at: now, breaks });
        Ok(())
    }

    /// Reads another log from now on.
    pub(crate) fn pin(&self, identity: LogIdentity) {
        *self.state.lock() = State {
            identity,
            seen: None,
        };
    }

    pub(crate) fn identity(&self) -> LogIdentity {
        self.state.lock().identity
    }
}

/// The identity of a stream's log. All replicas agree on it, across restarts and changed settings.
pub(crate) fn identity(info: &Info) -> LogIdentity {
    let created = info.created.unix_timestamp_nanos();
    LogIdentity::new(u64::try_from(created).unwrap_or_default(), 0)
}

#[cfg(test)]
mod tests;
