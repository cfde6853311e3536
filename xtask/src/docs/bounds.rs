//! Every setting that is a bound has a row in `docs/develop/bounds.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result};
use fanjet_config::entries;

use fanjet_tools::shell::root;

use super::markdown::{Pages, code_spans};

const PAGE: &str = "docs/develop/bounds.md";
/// Settings files whose bounds must be on the page.
const SETTINGS: &[&str] = &[
    "services/edge/edge.toml",
    "services/ingest/ingest.toml",
    "services/kafka/kafka.toml",
];
/// Named like bounds, but only our own processes fill them: sizes of our own batches, and timeouts of our own servers.
const OURS: &[&str] = &["kafka.batch_bytes", "ingest.pipeline.drain_timeout"];

pub(super) fn check(pages: &Pages) -> Result<Vec<String>> {
    let page = pages
        .get(Path::new(PAGE))
        .with_context(|| format!("no such page: {PAGE}"))?;
    let named: Vec<&str> = code_spans(page).collect();
    let mut complaints = Vec::new();
    for file in SETTINGS {
        let settings =
            fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))?;
        for key in bounds_of(&settings).context(file)? {
            if !named.contains(&key.as_str()) && !OURS.contains(&key.as_str()) {
                complaints.push(format!("{file}: {key} is a bound without a row in {PAGE}"));
            }
        }
    }
    Ok(complaints)
}

/// The keys of a settings file that are named like bounds, with their sections.
fn bounds_of(settings: &str) -> Result<Vec<String>> {
    let entries = entries(settings).map_err(Error::msg)?.into_iter();
    let bounds = entries.filter(|entry| is_bound(&entry.name));
    Ok(bounds.map(|entry| entry.key()).collect())
}

fn is_bound(key: &str) -> bool {
    let begins = ["max_", "queue_", "window_", "cached", "remembered_"];
    let ends = ["_bytes", "_timeout", "_per_second", "_linger"];
    begins.iter().any(|begin| key.starts_with(begin)) || ends.iter().any(|end| key.ends_with(end))
}

#[cfg(test)]
mod tests;
