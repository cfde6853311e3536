//! RFC 3339, from and to Unix microseconds.

use fanjet_event::Datetime;

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

/// Unix microseconds of an RFC 3339 time with a zone; `None` for what is none, or lies before 1970.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    Datetime::parse(text).ok()?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let rest = &text[19..];
    let digits = rest.strip_prefix('.').map_or("", |fraction| {
        let end = fraction.find(|char: char| !char.is_ascii_digit());
        &fraction[..end.unwrap_or(fraction.len())]
    });
    let micros: i64 = format!("{digits:0<6}").get(..6)?.parse().ok()?;
    let zone = &rest[rest.find(['Z', 'z', '+', '-'])?..];
    let offset_minutes = match zone.strip_prefix(['+', '-']) {
        None => 0,
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if zone.starts_with('-') {
                -minutes
            } else {
                minutes
            }
        }
    };
    let seconds = days_since_1970(year, month, day) * 86_400
        + hour * 3_600
        + (minute - offset_minutes) * 60
        + second;
    u64::try_from(seconds * 1_000_000 + micros).ok()
}

/// The inverse of [`date`], before 1970 too.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
