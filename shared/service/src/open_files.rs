//! How many files this process may have open, connections included.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Raises the limit as far as this process may by itself: it is low for programs that know nothing of more than a
/// thousand. A server that needs more than that looks at what it got.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        debug!(%error, ?limit, "the limit on open files stays as it is");
    }
}
