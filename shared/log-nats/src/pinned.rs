//! Which log the readers of a connection read.
//!
//! A stream can be deleted and made anew under its name, and a server that is asked for a message by its number does not
//! say of which stream it is. When the server made a stream tells two of them apart; it says so with the stream's ends.

use std::time::Duration;

use async_nats::jetstream::stream::Info;
use fanjet_log::{LogError, LogIdentity};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a look at the stream is good for, unless the connection breaks. A stream that is made by this program begins
/// above everything that was before, so what is read from it meanwhile does not join on to what was there, and is looked
/// at in any case.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The log that is read, and when the server was last asked whether it is still there.
#[derive(Debug)]
pub(crate) struct Pinned {
    state: Mutex<State>,
    /// Held while the server is asked: others wait for that answer.
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
    /// How often the connection had broken.
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

    /// Whether the log was there a moment ago, on a connection that has broken so often.
    pub(crate) fn is_fresh(&self, breaks: u64, now: Instant) -> bool {
        let seen = self.state.lock().seen;
        seen.is_some_and(|seen| seen.breaks == breaks && now - seen.at < GOOD_FOR)
    }

    /// Takes what the server says into account. The question was asked when the connection had broken so often.
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

/// The identity of the log that is a stream. Every replica has the same, over restarts and changed settings.
pub(crate) fn identity(info: &Info) -> LogIdentity {
    let created = info.created.unix_timestamp_nanos();
    LogIdentity::new(u64::try_from(created).unwrap_or_default(), 0)
}

#[cfg(test)]
mod tests;
