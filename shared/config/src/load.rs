//! Merges the sources of settings and checks the result.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat, FileSourceString};
use toml::Table;

use crate::fragment::Fragment;
use crate::role::Role;
use crate::service_links::is_service_link;
use crate::{ConfigError, Flags};

/// Environment variables of this program: `FANJET_INGEST__UPSTREAM__URL` is `ingest.upstream.url`.
const ENV_PREFIX: &str = "FANJET";
/// The prefixes of all variables that a role reads, including at-kafka's.
const PREFIXES: [&str; 2] = ["FANJET_", "ATKAFKA_"];

/// The sources of settings, weakest first. The role has the defaults.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The sections of all roles. In the file and the environment, sections of other roles are ignored.
    pub tree: &'a [Fragment],
    /// Environment variables. Only `FANJET_*` are read.
    pub env: &'a [(String, String)],
    /// `--config FILE` and `--set KEY=VALUE`.
    pub flags: &'a Flags,
}

/// Merges and checks the settings.
///
/// # Errors
/// [`ConfigError`] naming the key, the value and what is allowed.
pub fn load<S: Role>(sources: Sources<'_>) -> Result<S, ConfigError> {
    let mut builder = Config::builder();
    for text in S::FRAGMENTS.iter().map(|fragment| fragment.text) {
        builder = builder.add_source(source(&table("the defaults", text)?));
    }
    builder = builder.add_source(source(&table("the defaults", S::DIFFERENT)?));
    if let Some(path) = &sources.flags.config {
        let mut given = table(&path.display().to_string(), &read(path)?)?;
        given.retain(|section, _| !is_of_another_role::<S>(section, sources.tree));
        builder = builder.add_source(source(&given));
    }
    let is_foreign = |name: &str| is_foreign::<S>(name, sources.tree);
    let env = sources.env.iter().filter(|(name, _)| !is_foreign(name));
    let env: HashMap<String, String> = env.cloned().collect();
    builder = builder.add_source(
        Environment::with_prefix(ENV_PREFIX)
            .prefix_separator("_")
            .separator("__")
            .source(Some(env.into_iter().collect())),
    );
    for setting in &sources.flags.set {
        let wrong = |reason| ConfigError::Syntax {
            origin: format!("--set {}", beginning(setting)),
            reason,
        };
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong("expected KEY=VALUE".to_owned()))?;
        builder = builder
            .set_override(key, value)
            .map_err(|error| wrong(error.to_string()))?;
    }
    let merged = builder
        .build()
        .map_err(|error| value_error("", &error, None))?;
    check_sections::<S>(&merged, sources.tree)?;
    check_values::<S>(&merged)?;
    serde_path_to_error::deserialize(merged.clone()).map_err(|error| {
        let key = error.path().to_string();
        let value = merged.get_string(&key).ok();
        value_error(&key, error.inner(), value.as_deref())
    })
}

/// The ignored variables with settings of other roles, sorted.
pub fn of_other_roles<S: Role>(tree: &[Fragment]) -> Vec<String> {
    let mut names: Vec<_> = process_env()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| is_foreign::<S>(name, tree))
        .collect();
    names.sort();
    names
}

fn is_foreign<S: Role>(name: &str, tree: &[Fragment]) -> bool {
    let name = name
        .strip_prefix(ENV_PREFIX)
        .and_then(|name| name.strip_prefix('_'));
    let section = name.and_then(|name| name.split_once("__"));
    section.is_some_and(|(section, _)| is_of_another_role::<S>(&section.to_ascii_lowercase(), tree))
}

fn is_of_another_role<S: Role>(section: &str, tree: &[Fragment]) -> bool {
    names(tree).any(|name| name == section) && names(S::FRAGMENTS).all(|name| name != section)
}

fn names(fragments: &[Fragment]) -> impl Iterator<Item = &'static str> {
    fragments.iter().map(|fragment| fragment.section)
}

/// Rejects unknown sections, and sections of other roles in sources that are only for this process.
fn check_sections<S: Role>(merged: &Config, tree: &[Fragment]) -> Result<(), ConfigError> {
    let given: HashMap<String, config::Value> = merged
        .clone()
        .try_deserialize()
        .map_err(|error| value_error("", &error, None))?;
    let mut given: Vec<_> = given.into_keys().collect();
    given.sort();
    let unknown = |section: &String| names(S::FRAGMENTS).all(|name| name != section);
    let Some(key) = given.into_iter().find(unknown) else {
        return Ok(());
    };
    let (what, allowed) = match names(tree).any(|name| name == key) {
        true => ("a section of other roles", names(S::FRAGMENTS).collect()),
        false => ("an unknown section", names(tree).collect::<Vec<_>>()),
    };
    let reason = format!("{what}; allowed: {}", allowed.join(", "));
    Err(ConfigError::Value { key, reason })
}

/// Checks every number, duration and word against the allowed values of its key.
fn check_values<S: Role>(merged: &Config) -> Result<(), ConfigError> {
    for fragment in S::FRAGMENTS {
        let entries = fragment.entries().map_err(|reason| ConfigError::Syntax {
            origin: "the defaults".to_owned(),
            reason,
        })?;
        for entry in entries {
            let key = entry.key();
            // A value of another type is rejected when it is deserialized.
            let (Some(allowed), Ok(value)) = (&entry.allowed, merged.get_string(&key)) else {
                continue;
            };
            allowed
                .check(&value)
                .map_err(|reason| ConfigError::Value { key, reason })?;
        }
    }
    Ok(())
}

/// The environment of this process, without the service links of Kubernetes: see [`ignored_service_links`].
pub fn process_env() -> Vec<(String, String)> {
    let mut variables = variables();
    variables.retain(|(name, value)| !is_service_link(name, value));
    variables
}

/// The ignored service links of Kubernetes that look like settings, sorted.
pub fn ignored_service_links() -> Vec<String> {
    let mut links: Vec<_> = variables()
        .into_iter()
        .filter(|(name, value)| is_service_link(name, value))
        .map(|(name, _)| name)
        .filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    links.sort();
    links
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the environment is read"
)]
fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.to_owned(),
        source,
    })
}

fn table(origin: &str, text: &str) -> Result<Table, ConfigError> {
    // The parser's full message quotes the line, which may hold a secret with a missing quotation mark.
    toml::from_str(text).map_err(|error| {
        let location = error
            .span()
            .map_or(String::new(), |span| location(text, span.start));
        let reason = format!("not TOML{location}: {}", error.message());
        let origin = origin.to_owned();
        ConfigError::Syntax { origin, reason }
    })
}

/// Parses the table again with the parser of the layers, which records the origin of each value.
fn source(table: &Table) -> File<FileSourceString, FileFormat> {
    File::from_str(&table.to_string(), FileFormat::Toml)
}

/// Describes an offset: the line and its key, without the value.
fn location(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count();
    let key = beginning(text.lines().nth(line).unwrap_or_default());
    format!(" in line {} (`{key}`)", line + 1)
}

/// The beginning of a text that may be a key. The rest may be a secret.
fn beginning(text: &str) -> &str {
    let is_of_a_key = |c: char| c.is_ascii_alphanumeric() || "._-[]".contains(c);
    let end = text.find(|c| !is_of_a_key(c)).unwrap_or(text.len());
    &text[..end]
}

/// Names the key as exactly as possible (only the message has the name of an unknown key), and the value if the message does
/// not. A secret is text, so its value never fails here. The value of an unknown key is hidden: it may be a secret under a
/// misspelled name.
fn value_error(path: &str, error: &config::ConfigError, value: Option<&str>) -> ConfigError {
    let mut reason = error.to_string();
    if reason.contains(", expected struct ") {
        // The value in place of the section may be one of its secrets.
        let key = path.to_owned();
        let reason = format!("expected a section; set its keys, such as {path}.KEY");
        return ConfigError::Value { key, reason };
    }
    let unknown = reason
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    let key = match (path, unknown) {
        ("" | ".", Some((name, _))) => name.to_owned(),
        (path, Some((name, _))) if !path.ends_with(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    if let Some(value) = value.filter(|value| unknown.is_none() && !reason.contains(value)) {
        reason = format!("{value:?}: {reason}");
    }
    if reason.contains("expected a duration") {
        reason.push_str("; allowed: a number with a unit, such as 500ms, 10s or 1h");
    }
    ConfigError::Value { key, reason }
}

#[cfg(test)]
mod tests;
