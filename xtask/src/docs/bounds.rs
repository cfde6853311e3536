//! Every setting that is a bound has a row in `docs/develop/bounds.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use fanjet_tools::shell::root;

use super::markdown::{Pages, code_spans};

const PAGE: &str = "docs/develop/bounds.md";
/// Settings files whose bounds must be on the page.
const SETTINGS: &[&str] = &[
    "services/edge/config.toml",
    "services/ingest/config.toml",
    "services/kafka/kafka.toml",
];
/// Named like bounds, but nobody outside fills them: sizes of our own batches, and waits for our own servers.
const OURS: &[&str] = &[
    "hub.flush_bytes",
    "kafka.batch_bytes",
    "pipeline.drain_timeout",
];

pub(super) fn check(pages: &Pages) -> Result<Vec<String>> {
    let page = pages
        .get(Path::new(PAGE))
        .with_context(|| format!("there is no page {PAGE}"))?;
    let named: Vec<&str> = code_spans(page).collect();
    let mut complaints = Vec::new();
    for file in SETTINGS {
        let settings =
            fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))?;
        for key in bounds_of(&settings) {
            if !named.contains(&key.as_str()) && !OURS.contains(&key.as_str()) {
                complaints.push(format!("{file}: {key} is a bound and has no row in {PAGE}"));
            }
        }
    }
    Ok(complaints)
}

/// The keys of a settings file that are named like bounds, with their sections. Defaults may be commented out.
fn bounds_of(settings: &str) -> Vec<String> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in settings.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ")
            && is_bound(key)
        {
            keys.push(format!("{section}.{key}"));
        }
    }
    keys
}

fn is_bound(key: &str) -> bool {
    let is_name = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let begins = ["max_", "queue_", "window_", "cached", "remembered_"];
    let ends = ["_bytes", "_timeout", "_per_second", "_linger"];
    is_name
        && (begins.iter().any(|begin| key.starts_with(begin))
            || ends.iter().any(|end| key.ends_with(end)))
}

#[cfg(test)]
mod tests;
