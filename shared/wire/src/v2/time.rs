//! Log times as RFC 3339 with six digits.

use fanjet_event::TimeUs;

/// Length of every time in bytes.
pub const TIME_LEN: usize = 27;

const US_PER_DAY: u64 = 86_400_000_000;

/// The time as `2023-11-14T22:13:20.000000Z`.
pub fn rfc3339(time: TimeUs) -> [u8; TIME_LEN] {
    let (days, us) = (time.get() / US_PER_DAY, time.get() % US_PER_DAY);
    let (year, month, day) = civil(days);
    let seconds = us / 1_000_000;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (range, value) in [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, seconds / 3600),
        (14..16, seconds / 60 % 60),
        (17..19, seconds % 60),
        (20..26, us % 1_000_000),
    ] {
        let mut rest = value;
        for digit in text[range].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
    text
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March, so that the day
/// that some of them have more is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    /// From March of the year 0 to 1970.
    const OFFSET: u64 = 719_468;
    let days = days + OFFSET;
    let (era, day) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests;
