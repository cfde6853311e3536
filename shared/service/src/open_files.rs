//! The limit on open files, connections included.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Raises the soft limit to the hard limit: the default is meant for programs that use fewer than a thousand files. A
/// server that needs more checks the result.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        debug!(%error, ?limit, "failed to raise the limit on open files");
    }
}
