//! Timestamps of upstream frames. They are passed on verbatim, so they are only validated, and parsed where two are
//! compared.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::syntax::validated_string;

validated_string! {
    /// An RFC 3339 date-time with a zone, for example `2026-07-04T14:38:08.999Z`.
    Datetime, "date-time", "RFC 3339 with a time zone, at most 64 bytes", is_datetime
}

impl<S: AsRef<str>> Datetime<S> {
    /// Unix microseconds, negative before 1970; finer fractions are truncated. `None` for a day or a leap second that
    /// no calendar has, although the syntax is valid.
    pub fn unix_us(&self) -> Option<i64> {
        let time = OffsetDateTime::parse(self.as_str(), &Rfc3339).ok()?;
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).ok()
    }
}

fn is_datetime(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes.len() > 64 {
        return false;
    }
    let (date_time, rest) = bytes.split_at(19);
    let shape = b"dddd-dd-ddTdd:dd:dd"
        .iter()
        .zip(date_time)
        .all(|(want, got)| match want {
            b'd' => got.is_ascii_digit(),
            b'T' => got.eq_ignore_ascii_case(&b'T'),
            _ => want == got,
        });
    let two = |at: usize| (date_time[at] - b'0') * 10 + (date_time[at + 1] - b'0');
    shape
        && (1..=12).contains(&two(5))
        && (1..=31).contains(&two(8))
        && two(11) <= 23
        && two(14) <= 59
        && two(17) <= 60
        && is_zone(skip_fraction(rest))
}

/// The text after an optional fraction. A dot without digits is kept and fails as a zone.
fn skip_fraction(rest: &[u8]) -> &[u8] {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return rest;
    };
    match fraction.iter().take_while(|b| b.is_ascii_digit()).count() {
        0 => rest,
        digits => &fraction[digits..],
    }
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit())
                && (h1 - b'0') * 10 + (h2 - b'0') <= 23
                && *m1 <= b'5'
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
