//! The effective settings as a settings file: the commented defaults, with the values that differ.

use fanjet_output::hide_passwords;
use toml::Value;

use crate::fragment::{Line, lines};
use crate::secret::HIDDEN;
use crate::{ConfigError, Flags, Role, Sources, load};

/// Writes the document. A default is copied from its fragment, and secrets are left out.
///
/// # Errors
/// [`ConfigError::Syntax`] if a fragment is invalid.
pub(crate) fn document<S: Role>(settings: &S) -> Result<String, ConfigError> {
    let flags = Flags::default();
    let defaults: S = load(Sources {
        tree: S::FRAGMENTS,
        env: &[],
        flags: &flags,
    })?;
    let in_force = value(settings)?;
    let defaults = value(&defaults)?;
    let different: Value = S::DIFFERENT
        .parse()
        .map_or_else(|_| toml::Table::new().into(), Value::Table);
    let mut document = String::new();
    for fragment in S::FRAGMENTS {
        if !document.is_empty() {
            document.push('\n');
        }
        let lines = lines(fragment.text).map_err(wrong)?;
        for (text, line) in fragment.text.lines().zip(lines) {
            match line {
                Line::Entry(entry) => {
                    let key = entry.key();
                    let is_default = at(&in_force, &key) == at(&defaults, &key)
                        && at(&different, &key).is_none();
                    match at(&in_force, &key) {
                        Some(value) if !is_default => document.push_str(&shown(&entry.name, value)),
                        _ => document.push_str(text),
                    }
                }
                _ => document.push_str(text),
            }
            document.push('\n');
        }
    }
    Ok(document)
}

fn shown(name: &str, value: &Value) -> String {
    match value.as_str() {
        Some(HIDDEN) => format!("#{name} = {HIDDEN}"),
        _ => hide_passwords(&format!("{name} = {value}")).into_owned(),
    }
}

fn value(settings: &impl Role) -> Result<Value, ConfigError> {
    Value::try_from(settings).map_err(|error| wrong(error.to_string()))
}

fn wrong(reason: String) -> ConfigError {
    ConfigError::Syntax {
        origin: "the defaults".to_owned(),
        reason,
    }
}

/// The value of a dotted key.
fn at<'v>(values: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('.').try_fold(values, |value, key| value.get(key))
}

#[cfg(test)]
mod tests;
