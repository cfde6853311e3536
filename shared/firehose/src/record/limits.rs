//! Limits of a record.

/// Longest record in bytes. No text or byte string can be longer, so those need no bound of their own.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// Most elements of one array, most entries of one map.
pub(super) const MAX_ELEMENTS: usize = 131_072;
/// Maximum nesting of a record's JSON: the record itself is level 1. The JSON parsers of some languages stop at 127
/// levels, and an event wraps the record: two levels for Jetstream, up to five more in Kafka.
pub const MAX_RECORD_LEVELS: usize = 120;
/// Longest map key in bytes.
pub(super) const MAX_KEY: usize = 8_192;
