//! Values that no operator would set, with the reasons. They are fields of the settings all the same, so that tests can have others.

use std::time::Duration;

/// The client tries again for ever.
pub(super) const fn connect_timeout() -> Duration {
    Duration::from_secs(5)
}
