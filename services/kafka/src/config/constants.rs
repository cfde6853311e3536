//! Values that no operator would set, with the reasons. They are fields of the settings all the same, so that tests can have others.

use std::time::Duration;

/// Short enough that one failure is no delay that counts.
pub(super) const fn retry_floor() -> Duration {
    Duration::from_millis(200)
}

/// Brokers that are away for long are asked gently.
pub(super) const fn retry_ceiling() -> Duration {
    Duration::from_secs(10)
}

/// As often as metrics are scraped, or oftener.
pub(super) const fn check_interval() -> Duration {
    Duration::from_secs(5)
}

/// A commit costs little, and bounds what a crash produces again.
pub(super) const fn position_interval() -> Duration {
    Duration::from_millis(200)
}

/// Half a second of look-ups at the default rate.
pub(super) const fn burst() -> u32 {
    100
}

/// at-kafka's. An identity event makes a document be looked up sooner.
pub(super) const fn identity_ttl() -> Duration {
    Duration::from_hours(48)
}

/// at-kafka's.
pub(super) const fn failure_ttl() -> Duration {
    Duration::from_mins(15)
}

/// at-kafka's.
pub(super) const fn audit_ttl() -> Duration {
    Duration::from_hours(1)
}

/// at-kafka's.
pub(super) const fn profile_ttl() -> Duration {
    Duration::from_mins(10)
}

/// Only tests have hosts on networks of their own: a stranger must never name one.
pub(super) const fn allow_private() -> bool {
    false
}
