//! RFC 3339 in UTC, from Unix microseconds.

/// Whole seconds: `2026-07-04T14:38:08Z`.
pub fn rfc3339(us: u64) -> String {
    let (year, month, day) = date(us / 86_400_000_000);
    let seconds = us / 1_000_000 % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// With microseconds: `2026-07-04T14:38:08.085434Z`.
pub fn rfc3339_micros(us: u64) -> String {
    let mut text = rfc3339(us);
    text.pop();
    text.push_str(&format!(".{:06}Z", us % 1_000_000));
    text
}

/// The Gregorian date so many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted from March of the year 0, so that a leap day ends its year; 400 years have 146,097 days.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
