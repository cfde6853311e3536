//! Layering and checking.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;

use crate::sections::is_of_another_role;
use crate::service_links::is_service_link;
use crate::{ConfigError, Flags};

/// Environment variables of this program: `FANJET_UPSTREAM__URL` is `upstream.url`.
const ENV_PREFIX: &str = "FANJET";
/// Of all variables that some program of ours reads, at-kafka's among them.
const PREFIXES: [&str; 2] = ["FANJET_", "ATKAFKA_"];

/// Everything settings are made of, weakest first.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The service's commented defaults.
    pub defaults: &'a str,
    /// Environment variables; others than `FANJET_*` are ignored, and so are settings of other roles.
    pub env: &'a [(String, String)],
    /// `--config FILE` and `--set KEY=VALUE`.
    pub flags: &'a Flags,
}

/// Builds and checks the settings.
///
/// # Errors
/// [`ConfigError`] naming the key, the value and what is allowed.
pub fn load<T: DeserializeOwned>(sources: Sources<'_>) -> Result<T, ConfigError> {
    let mut builder = Config::builder().add_source(toml_source("the defaults", sources.defaults)?);
    if let Some(path) = &sources.flags.config {
        let text = read(path)?;
        builder = builder.add_source(toml_source(&path.display().to_string(), &text)?);
    }
    let own = sections(sources.defaults);
    let env = sources
        .env
        .iter()
        .filter(|(name, _)| !is_foreign(name, &own));
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
    serde_path_to_error::deserialize(merged.clone()).map_err(|error| {
        let key = error.path().to_string();
        let value = merged.get_string(&key).ok();
        value_error(&key, error.inner(), value.as_deref())
    })
}

/// The variables that are settings of other roles, in order. They are ignored: see [`crate::SECTIONS`].
pub fn of_other_roles(defaults: &str) -> Vec<String> {
    let own = sections(defaults);
    let mut names: Vec<_> = process_env()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| is_foreign(name, &own))
        .collect();
    names.sort();
    names
}

fn is_foreign(name: &str, own: &[String]) -> bool {
    let name = name
        .strip_prefix(ENV_PREFIX)
        .and_then(|name| name.strip_prefix('_'));
    name.is_some_and(|name| is_of_another_role(name, own))
}

/// The sections that the defaults name: all that the role has.
fn sections(defaults: &str) -> Vec<String> {
    let tables = toml::from_str::<toml::Table>(defaults).unwrap_or_default();
    tables.into_iter().map(|(name, _)| name).collect()
}

/// The environment of this process, without the service links of Kubernetes: see [`ignored_service_links`].
pub fn process_env() -> Vec<(String, String)> {
    let mut variables = variables();
    variables.retain(|(name, value)| !is_service_link(name, value));
    variables
}

/// The variables that would be read as settings, were they not service links of Kubernetes, in order.
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

fn toml_source(origin: &str, text: &str) -> Result<Config, ConfigError> {
    let wrong = |reason| ConfigError::Syntax {
        origin: origin.to_owned(),
        reason,
    };
    // The parser's own words for people show the line, and so a secret whose quotation mark is missing.
    toml::from_str::<toml::Table>(text).map_err(|error| {
        let place = error
            .span()
            .map_or(String::new(), |span| place(text, span.start));
        wrong(format!("no TOML{place}: {}", error.message()))
    })?;
    Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .build()
        .map_err(|error| wrong(error.to_string()))
}

/// Where an offset is, for people: the line, and the key in front of its value.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count();
    let key = beginning(text.lines().nth(line).unwrap_or_default());
    format!(" in line {} (`{key}`)", line + 1)
}

/// What of a text may be a key. The rest may be a secret.
fn beginning(text: &str) -> &str {
    let is_of_a_key = |c: char| c.is_ascii_alphanumeric() || "._-[]".contains(c);
    let end = text.find(|c| !is_of_a_key(c)).unwrap_or(text.len());
    &text[..end]
}

/// Names the key as exactly as it is known (for an unknown key, only the message has its name), and the value
/// where the message does not. Secrets are text, so their values never fail here; and the value of an unknown key is not
/// shown, which may be a secret whose name is misspelled.
fn value_error(path: &str, error: &config::ConfigError, value: Option<&str>) -> ConfigError {
    let mut reason = error.to_string();
    if reason.contains(", expected struct ") {
        // What was given for a section may be one of its secrets.
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
