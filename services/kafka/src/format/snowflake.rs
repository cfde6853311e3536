//! Ids that rise with the log and that a redelivery keeps.

/// Bits below the milliseconds.
const LOW_BITS: u32 = 22;
/// Of those, the ones for the seq.
const SEQ_BITS: u32 = 12;

/// The id of an event: milliseconds since the epoch, then the microseconds within the millisecond, then the lowest
/// bits of the seq. Log times rise strictly, so that no two events of a log have the same id, and ids rise too.
pub fn snowflake(time_us: u64, seq: u64, epoch_ms: u64) -> u64 {
    let ms = (time_us / 1_000).saturating_sub(epoch_ms);
    let within = time_us % 1_000;
    (ms << LOW_BITS) | (within << SEQ_BITS) | (seq & ((1 << SEQ_BITS) - 1))
}
