//! How many connections the limit on open files allows. Some descriptors are never given to clients: without them the ops port
//! could not answer its probes, and a full node would be restarted, closing every connection it has.

use rustix::process::{Resource, getrlimit};
use tracing::warn;

/// Descriptors for everything else: the ops port's connections, the log's files or connections, the runtime's own.
const RESERVED: u64 = 512;
/// Every connection has two: the server's, and that of [`Socket`](crate::sockets::Socket).
const PER_CONNECTION: u64 = 2;
/// Connections that are not subscribers: requests, handshakes, status pages.
pub(super) const SPARE_CONNECTIONS: usize = 128;

/// What fits into a limit on open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// `None`: there is no limit.
    allowed: Option<u64>,
}

impl Descriptors {
    /// Those of this process.
    pub(crate) fn of_this_process() -> Self {
        Self {
            allowed: getrlimit(Resource::Nofile).current,
        }
    }

    #[cfg(test)]
    pub(super) fn limited_to(allowed: u64) -> Self {
        Self {
            allowed: Some(allowed),
        }
    }

    /// The number of connections of any kind, all workers together.
    pub(super) fn max_connections(self) -> usize {
        let Some(allowed) = self.allowed else {
            return usize::MAX;
        };
        // A small limit is mostly for clients, too.
        let reserved = RESERVED.min(allowed / 4);
        usize::try_from((allowed - reserved) / PER_CONNECTION).unwrap_or(usize::MAX)
    }

    /// The number of subscribers, of as many as are configured.
    pub(crate) fn max_subscribers(self, configured: usize) -> usize {
        let fitting = self.max_connections().saturating_sub(SPARE_CONNECTIONS);
        configured.min(fitting.max(1))
    }

    /// Logs that fewer than nine tenths of the configured subscribers fit: a limit of 20,000, as many systems have it, is good
    /// enough for the default of 10,000 subscribers.
    pub(super) fn warn_if_low(self, configured: usize) {
        let fitting = self.max_subscribers(configured);
        if fitting < configured / 10 * 9 {
            warn!(
                allowed = self.allowed,
                fitting_subscribers = fitting,
                max_subscribers = configured,
                "the open file limit is too low for edge.http.max_subscribers, refusing those that do not fit: raise ulimit -n"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_get_all_descriptors() {
        for (allowed, connections, subscribers) in [
            (0, 0, 1),
            (400, 150, 22),
            (1_024, 384, 256),
            (20_000, 9_744, 9_616),
            (524_288, 261_888, 200_000),
        ] {
            let descriptors = Descriptors::limited_to(allowed);
            assert_eq!(descriptors.max_connections(), connections, "{allowed}");
            assert_eq!(
                descriptors.max_subscribers(200_000),
                subscribers,
                "{allowed}"
            );
        }
        let unlimited = Descriptors { allowed: None };
        assert_eq!(unlimited.max_subscribers(200_000), 200_000);
    }
}
