//! The times that upstreams write into their frames, as numbers. Upstreams that number differently share them.

use std::time::Duration;

use fanjet_log::Origin;

/// Unix microseconds. Every hop may have its own clock, so a single one proves little: see [`RecentTimes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameTime(i64);

impl FrameTime {
    /// Before all others.
    pub(crate) const MIN: Self = Self(i64::MIN);

    #[cfg(test)]
    pub(crate) fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub(crate) fn micros(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time with a zone; what is no such time has no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let seconds = days_from_civil(number(0, 4)?, number(5, 7)?, number(8, 10)?) * 86_400
            + number(11, 13)? * 3_600
            + number(14, 16)? * 60
            + number(17, 19)?;
        let rest = text.get(19..)?;
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(digits) => digits.split_at(digits.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", rest),
        };
        let micros = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(6)
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        let offset = match zone.as_bytes().first()? {
            b'Z' | b'z' => 0,
            sign @ (b'+' | b'-') => {
                let minutes = zone.get(1..3)?.parse::<i64>().ok()? * 60
                    + zone.get(4..6)?.parse::<i64>().ok()?;
                if *sign == b'+' { minutes } else { -minutes }
            }
            _ => return None,
        };
        Some(Self((seconds - offset * 60) * 1_000_000 + micros))
    }

    pub(crate) fn before(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(span))
    }
}

/// Days since 1970-01-01. Years are counted from March, in eras of 400 years, so that a leap day is a year's last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The middle one of the newest few times: single wrong clocks do not move it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentTimes {
    times: [Option<FrameTime>; Self::KEPT],
    next: usize,
}

impl RecentTimes {
    /// How many times are looked at.
    pub(crate) const KEPT: usize = 15;

    pub(crate) fn add(&mut self, time: FrameTime) {
        self.times[self.next] = Some(time);
        self.next = (self.next + 1) % Self::KEPT;
    }

    /// Adds an event's time, if it is one.
    pub(crate) fn add_of(&mut self, origin: &Origin) {
        if let Some(time) = FrameTime::parse(origin.time.as_str()) {
            self.add(time);
        }
    }

    /// Whether as many are there as are looked at.
    pub(crate) fn is_full(&self) -> bool {
        self.times.iter().all(Option::is_some)
    }

    /// `None` when there is no time yet.
    pub(crate) fn middle(&self) -> Option<FrameTime> {
        middle(self.times.iter().flatten().copied())
    }
}

/// The lower middle of the first few times.
pub(crate) fn middle(times: impl IntoIterator<Item = FrameTime>) -> Option<FrameTime> {
    let mut times: Vec<_> = times.into_iter().take(RecentTimes::KEPT).collect();
    times.sort_unstable();
    times.get(times.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests;
