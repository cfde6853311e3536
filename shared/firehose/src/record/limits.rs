//! What a record may be at most.

/// Longest record in bytes. No text or byte string can be longer, so those need no bound of their own.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// Most elements of one array, most entries of one map.
pub(super) const MAX_ELEMENTS: usize = 131_072;
/// How deep a record's JSON may be nested: the record itself is level 1. The JSON parsers of some languages end at 127 levels, and
/// an event is wrapped around the record: two levels for Jetstream, up to five more in Kafka.
pub const MAX_RECORD_LEVELS: usize = 120;
/// Longest map key in bytes.
pub(super) const MAX_KEY: usize = 8_192;
