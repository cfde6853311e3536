//! The allowed values of a key, read from the comment of the key.
//!
//! Every number and every duration has a range. Without one, a process could start with zero or an absurd value, and hang, spin,
//! panic or use all memory later, when the cause is no longer visible.

use std::fmt;
use std::time::Duration;

use humantime::parse_duration;
use toml::Value;

/// The allowed values of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed {
    /// The text of the comment, which errors quote.
    text: String,
    values: Values,
    /// One value outside the range with a special meaning.
    besides: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    Count(i64, i64),
    Share(f64, f64),
    Time(Duration, Duration),
    Words(Vec<String>),
}

impl Allowed {
    /// Parses `LEAST to MOST`, `LEAST to MOST, or VALUE for MEANING`, `LEAST to MOST, or "word"`, or `"word", "word" or "word"`.
    /// The default of the key decides whether the range is one of numbers or of durations.
    pub(crate) fn parse(text: &str, default: &Value) -> Result<Self, String> {
        let unreadable = || format!("{text:?} is not a range for {default}");
        let (values, besides) = if text.starts_with('"') {
            let words = text.split('"').skip(1).step_by(2).map(str::to_owned);
            (Values::Words(words.collect()), None)
        } else {
            let (range, besides) = match text.split_once(", or ") {
                Some((range, besides)) => (range, Some(besides)),
                None => (text, None),
            };
            let besides = besides.map(|besides| {
                let value = besides.split(" for ").next().unwrap_or(besides);
                value.trim_matches('"').replace('_', "")
            });
            let (least, most) = range.split_once(" to ").ok_or_else(unreadable)?;
            let values = Values::range(least, most, default).ok_or_else(unreadable)?;
            (values, besides)
        };
        let read = Self {
            text: text.to_owned(),
            values,
            besides,
        };
        let default = default
            .as_str()
            .map_or_else(|| default.to_string(), str::to_owned);
        match read.check(&default) {
            Ok(()) => Ok(read),
            Err(refused) => Err(format!("the default is not allowed: {refused}")),
        }
    }

    /// Whether values are durations.
    pub fn is_time(&self) -> bool {
        matches!(self.values, Values::Time(..))
    }

    /// Whether values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self.values, Values::Count(..) | Values::Share(..))
    }

    /// The least and the greatest whole number, the special value included. For schemas.
    pub fn whole_numbers(&self) -> Option<(i64, i64)> {
        let Values::Count(least, most) = self.values else {
            return None;
        };
        let besides = self.besides.as_ref().and_then(|text| text.parse().ok());
        Some((
            besides.map_or(least, |besides: i64| besides.min(least)),
            most,
        ))
    }

    /// Checks a value in text form.
    ///
    /// # Errors
    /// The value, the problem, and what is allowed.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let is_besides = self.besides.as_deref() == Some(value);
        let (is_in_range, kind) = match &self.values {
            Values::Count(least, most) => {
                let number = value.parse::<i128>().ok();
                let range = i128::from(*least)..=i128::from(*most);
                (
                    number.map(|number| range.contains(&number)),
                    "a whole number",
                )
            }
            Values::Share(least, most) => {
                let number = value.parse::<f64>().ok();
                let is_in_range = |number| (*least..=*most).contains(&number);
                (number.map(is_in_range), "a number")
            }
            Values::Time(least, most) => {
                let is_zero_besides = self.besides.as_deref() == Some("0s");
                let is_in_range = |time: Duration| {
                    (*least..=*most).contains(&time) || (time.is_zero() && is_zero_besides)
                };
                let kind = "a duration, which is a number with a unit such as 500ms";
                (parse_duration(value).ok().map(is_in_range), kind)
            }
            Values::Words(words) => {
                let is_known = words.iter().any(|word| word == value);
                (is_known.then_some(true), "one of these words")
            }
        };
        match is_in_range {
            Some(true) => Ok(()),
            _ if is_besides => Ok(()),
            Some(false) => Err(format!("{value} is out of range; allowed: {self}")),
            None => Err(format!("{value:?} is not {kind}; allowed: {self}")),
        }
    }
}

impl Values {
    fn range(least: &str, most: &str, default: &Value) -> Option<Self> {
        let digits = |text: &str| text.replace('_', "");
        Some(match default {
            Value::Integer(_) => {
                Self::Count(digits(least).parse().ok()?, digits(most).parse().ok()?)
            }
            Value::Float(_) => Self::Share(least.parse().ok()?, most.parse().ok()?),
            Value::String(_) => Self::Time(parse_duration(least).ok()?, parse_duration(most).ok()?),
            _ => return None,
        })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
