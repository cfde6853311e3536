//! The commented defaults of one section. One entry has the key, its default, its explanation and its range.
//!
//! A fragment is a file of the crate whose struct it fills. Each value is on one line, and the comment directly above it
//! explains the key and ends with what is allowed:
//!
//! ```toml
//! # Subscribers of this node at one time.
//! # Allowed: 1 to 10_000_000.
//! max_subscribers = 10_000
//! ```

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::allowed::Allowed;

/// The commented defaults of one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The section, without brackets.
    pub section: &'static str,
    /// TOML with every key of the section and of its subsections.
    pub text: &'static str,
}

/// A section of the settings, owned by one crate.
pub trait Section {
    /// Its defaults.
    const FRAGMENT: Fragment;
}

/// One key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its section, such as `edge.http`.
    pub table: String,
    /// Its name in that section.
    pub name: String,
    /// Its explanation.
    pub comment: String,
    /// Its default.
    pub default: Value,
    /// Its allowed values. Numbers and durations always have them.
    pub allowed: Option<Allowed>,
}

/// One line of a fragment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line<'t> {
    /// The name of a section, with its explanation.
    Heading(&'t str, String),
    /// A key with its default.
    Entry(Entry),
    /// A comment, or nothing.
    Other,
}

impl Fragment {
    /// The section with its defaults.
    ///
    /// # Panics
    /// If the text does not fit the struct. The text is compiled in, and tests read every fragment.
    #[allow(
        clippy::expect_used,
        reason = "a mistake in the program, found by tests"
    )]
    pub fn defaults<T: DeserializeOwned>(&self) -> T {
        let mut table: Table = self.text.parse().expect("a fragment is TOML");
        let section = table.remove(self.section);
        let section = section.expect("a fragment has its section");
        section.try_into().expect("a fragment fits its struct")
    }

    /// All keys.
    ///
    /// # Errors
    /// An invalid or incomplete entry.
    pub fn entries(&self) -> Result<Vec<Entry>, String> {
        entries(self.text).map_err(|wrong| format!("[{}]: {wrong}", self.section))
    }
}

impl Entry {
    /// The key with its sections, dot-separated.
    pub fn key(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

/// All keys in the text of a fragment.
///
/// # Errors
/// An invalid or incomplete entry.
pub fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for line in lines(text)? {
        if let Line::Entry(entry) = line {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The kind of each line.
pub(crate) fn lines(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut table = "";
    let mut comment = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
            lines.push(Line::Other);
            continue;
        }
        let above = std::mem::take(&mut comment);
        if line.is_empty() {
            lines.push(Line::Other);
        } else if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = name;
            lines.push(Line::Heading(name, above.join(" ")));
        } else {
            lines.push(Line::Entry(entry(table, line, &above)?));
        }
    }
    Ok(lines)
}

fn entry(table: &str, line: &str, comment: &[&str]) -> Result<Entry, String> {
    let wrong = |what: &str| format!("{line:?} in [{table}]: {what}");
    let parsed: Table = line.parse().map_err(|_| wrong("not KEY = VALUE"))?;
    let (name, default) = parsed.into_iter().next().ok_or_else(|| wrong("no key"))?;
    let is_range = |words: &&&str| words.starts_with("Allowed: ");
    let range = comment.iter().find(is_range);
    let range = range.map(|words| words.trim_start_matches("Allowed: ").trim_end_matches('.'));
    let words: Vec<_> = comment
        .iter()
        .filter(|words| !is_range(words))
        .copied()
        .collect();
    let allowed = range.map(|range| Allowed::parse(range, &default));
    let allowed = allowed.transpose().map_err(|what| wrong(&what))?;
    if words.is_empty() {
        return Err(wrong("a comment above it must explain it"));
    }
    if allowed.is_none() && needs_range(&default) {
        return Err(wrong(
            "a comment above it must end with: Allowed: LEAST to MOST.",
        ));
    }
    Ok(Entry {
        table: table.to_owned(),
        name,
        comment: words.join(" "),
        default,
        allowed,
    })
}

fn needs_range(default: &Value) -> bool {
    match default {
        Value::Integer(_) | Value::Float(_) => true,
        Value::String(text) => humantime::parse_duration(text).is_ok(),
        _ => false,
    }
}

/// Makes a struct a section whose defaults are in a file: `section!(NatsConfig, "nats", "../nats.toml")`. For the fields listed
/// after that, the types of the fields get these defaults, too.
#[macro_export]
macro_rules! section {
    ($section:ty, $name:literal, $file:literal $({ $($field:ident: $below:ty),+ $(,)? })?) => {
        impl $crate::Section for $section {
            const FRAGMENT: $crate::Fragment = $crate::Fragment {
                section: $name,
                text: include_str!($file),
            };
        }

        /// The defaults of the fragment.
        impl Default for $section {
            fn default() -> Self {
                <Self as $crate::Section>::FRAGMENT.defaults()
            }
        }

        $($(
            /// The defaults of the fragment.
            impl Default for $below {
                fn default() -> Self {
                    <$section>::default().$field
                }
            }
        )+)?
    };
}

#[cfg(test)]
mod tests;
