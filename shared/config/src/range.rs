//! What a number or a time may be: stated beside the settings that have it, checked here and nowhere else.
//!
//! Every number and every time has a range, because each of them can be set to zero or to something absurd, and a process
//! that starts with that hangs, spins, panics or takes all memory later, where nobody sees why.

use std::fmt;
use std::time::Duration;

use humantime::{format_duration, parse_duration};
use serde::Serialize;
use serde_json::Value;

use crate::ConfigError;

/// The range of one setting.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    key: &'static str,
    allowed: Allowed,
    besides: Option<Besides>,
}

#[derive(Debug, Clone, Copy)]
enum Allowed {
    Count(i64, i64),
    Time(Duration, Duration),
    Share(f64, f64),
}

/// One value outside of the range that has a meaning of its own.
#[derive(Debug, Clone, Copy)]
enum Besides {
    Number(i64, &'static str),
    Word(&'static str),
}

/// A value that its key cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfRange {
    /// The key.
    pub key: &'static str,
    /// The value and what is allowed.
    pub reason: String,
}

impl Range {
    /// Of a whole number, both ends allowed.
    pub const fn count(key: &'static str, least: i64, most: i64) -> Self {
        Self::new(key, Allowed::Count(least, most))
    }

    /// Of a time, both ends allowed.
    pub const fn time(key: &'static str, least: Duration, most: Duration) -> Self {
        Self::new(key, Allowed::Time(least, most))
    }

    /// Of a share, both ends allowed.
    pub const fn share(key: &'static str, least: f64, most: f64) -> Self {
        Self::new(key, Allowed::Share(least, most))
    }

    /// Zero is allowed too, and means something else than a little less than the least.
    #[must_use]
    pub const fn or_zero(self, meaning: &'static str) -> Self {
        self.or(0, meaning)
    }

    /// This number is allowed too, and means something else.
    #[must_use]
    pub const fn or(mut self, number: i64, meaning: &'static str) -> Self {
        self.besides = Some(Besides::Number(number, meaning));
        self
    }

    /// A word is allowed in place of a time.
    #[must_use]
    pub const fn or_word(mut self, word: &'static str) -> Self {
        self.besides = Some(Besides::Word(word));
        self
    }

    const fn new(key: &'static str, allowed: Allowed) -> Self {
        Self {
            key,
            allowed,
            besides: None,
        }
    }

    /// The key with its sections, dot-separated.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Whether it is a time: its values have units.
    pub fn is_time(&self) -> bool {
        matches!(self.allowed, Allowed::Time(..))
    }

    /// What zero means; `None` when it is refused.
    pub fn meaning_of_zero(&self) -> Option<&'static str> {
        match (self.besides, self.allowed) {
            (Some(Besides::Number(0, meaning)), _) => Some(meaning),
            (_, Allowed::Count(0, _)) => Some("zero"),
            (_, Allowed::Share(0.0, _)) => Some("none"),
            _ => None,
        }
    }

    fn check(&self, value: &Value) -> Result<(), OutOfRange> {
        let is_allowed = match (self.allowed, value) {
            (Allowed::Count(least, most), Value::Number(number)) => {
                let number = number.as_i64();
                number.is_some_and(|number| {
                    (least..=most).contains(&number) || self.is_besides(number)
                })
            }
            (Allowed::Share(least, most), Value::Number(number)) => {
                let number = number.as_f64();
                number.is_some_and(|number| (least..=most).contains(&number))
            }
            (Allowed::Time(least, most), Value::String(text)) => match parse_duration(text) {
                Ok(time) => {
                    (least..=most).contains(&time) || (time.is_zero() && self.is_besides(0))
                }
                Err(_) => matches!(self.besides, Some(Besides::Word(word)) if word == text),
            },
            // NaN and infinity are null.
            (Allowed::Share(..), Value::Null) => false,
            // Not set.
            (_, Value::Null) => true,
            _ => false,
        };
        if is_allowed {
            return Ok(());
        }
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Err(OutOfRange {
            key: self.key,
            reason: format!("{shown} is out of range; allowed: {self}"),
        })
    }

    fn is_besides(&self, number: i64) -> bool {
        matches!(self.besides, Some(Besides::Number(besides, _)) if besides == number)
    }
}

/// What is allowed, in words.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.allowed {
            Allowed::Count(least, most) => write!(f, "{least} to {most}")?,
            Allowed::Time(least, most) => {
                write!(f, "{} to {}", format_duration(least), format_duration(most))?;
            }
            Allowed::Share(least, most) => write!(f, "{least} to {most}")?,
        }
        match self.besides {
            Some(Besides::Number(number, meaning)) => write!(f, ", or {number} for \"{meaning}\""),
            Some(Besides::Word(word)) => write!(f, ", or \"{word}\""),
            None => Ok(()),
        }
    }
}

impl From<OutOfRange> for ConfigError {
    fn from(wrong: OutOfRange) -> Self {
        Self::Value {
            key: wrong.key.to_owned(),
            reason: wrong.reason,
        }
    }
}

/// Checks all settings of a process.
///
/// # Errors
/// [`OutOfRange`] for the first value that is.
pub fn check_ranges(
    settings: &impl Serialize,
    ranges: impl IntoIterator<Item = Range>,
) -> Result<(), OutOfRange> {
    check_section("", settings, ranges)
}

/// Checks one section: of `ranges`, those whose keys lie below `section`.
///
/// # Errors
/// [`OutOfRange`] for the first value that is.
pub fn check_section(
    section: &'static str,
    settings: &impl Serialize,
    ranges: impl IntoIterator<Item = Range>,
) -> Result<(), OutOfRange> {
    // Settings are plain values: what cannot be written as JSON has no numbers to check.
    let values = serde_json::to_value(settings).unwrap_or_default();
    for range in ranges {
        let Some(path) = range.key.strip_prefix(section) else {
            continue;
        };
        if let Some(value) = at(&values, path) {
            range.check(value)?;
        }
    }
    Ok(())
}

/// The keys of all numbers and times in these settings: each of them needs a range.
pub fn numbers_and_times(settings: &impl Serialize) -> Vec<String> {
    let mut keys = Vec::new();
    collect(
        "",
        &serde_json::to_value(settings).unwrap_or_default(),
        &mut keys,
    );
    keys
}

fn at<'v>(values: &'v Value, path: &str) -> Option<&'v Value> {
    let mut keys = path.split('.').filter(|key| !key.is_empty());
    keys.try_fold(values, |value, key| value.get(key))
}

fn collect(path: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{key}"), value, keys);
            }
        }
        Value::Number(_) => keys.push(path.to_owned()),
        Value::String(text) if parse_duration(text).is_ok() => keys.push(path.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
