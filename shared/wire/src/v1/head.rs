//! How every event begins: its DID, then its log time, which is found and set in place.

use fanjet_event::TimeUs;

/// The digits that stand for `time_us` until [`stamp`] replaces them. No valid log time looks like this.
pub const UNSET_TIME: &[u8; TimeUs::DIGITS] = b"0000000000000000";

pub(super) const DID_KEY: &[u8] = br#"{"did":""#;
pub(super) const TIME_KEY: &[u8] = br#"","time_us":"#;

/// Writes the final `time_us` into an event's JSON. Returns `false`, and changes nothing, when `event` does not
/// begin as an event does.
#[must_use]
pub fn stamp(event: &mut [u8], time: TimeUs) -> bool {
    let Some(at) = time_offset(event) else {
        return false;
    };
    let Some(digits) = event.get_mut(at..at + TimeUs::DIGITS) else {
        return false;
    };
    let mut rest = time.get();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    true
}

/// Where the digits of `time_us` begin.
pub(crate) fn time_offset(event: &[u8]) -> Option<usize> {
    let rest = event.strip_prefix(DID_KEY)?;
    let did_len = rest.iter().position(|&byte| byte == b'"')?;
    rest[did_len..]
        .starts_with(TIME_KEY)
        .then_some(DID_KEY.len() + did_len + TIME_KEY.len())
}

/// The DID in front of `time_us`, for an event that [`time_offset`] recognised.
pub(crate) fn did_bytes(event: &[u8], time_offset: usize) -> &[u8] {
    &event[DID_KEY.len()..time_offset - TIME_KEY.len()]
}
