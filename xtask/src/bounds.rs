//! Holds `docs/develop/bounds.md` against the tree: what it names must exist, and every setting that is a bound must be named.

use std::fs;

use anyhow::{Context, Result, bail};

use fanjet_tools::shell::root;

const PAGE: &str = "docs/develop/bounds.md";
const METRICS: &str = "docs/operate/metrics.md";

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

pub(crate) fn check() -> Result<()> {
    let read = |file: &str| {
        fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))
    };
    let page = read(PAGE)?;
    let metrics = read(METRICS)?;
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).collect();

    let mut complaints = Vec::new();
    for name in &named {
        if let Some((file, test)) = name.split_once("::") {
            let is_there = read(file).is_ok_and(|text| text.contains(&format!("fn {test}(")));
            if !is_there {
                complaints.push(format!("there is no test {name}"));
            }
        } else if name.starts_with("fanjet_") || name.starts_with("atkafka_") {
            let metric = name.split('{').next().unwrap_or(name);
            if !metrics.contains(&format!("`{metric}`")) {
                complaints.push(format!("{METRICS} has no metric {metric}"));
            }
        }
    }
    for file in SETTINGS {
        for key in bounds_of(&read(file)?) {
            if !named.contains(&key.as_str()) && !OURS.contains(&key.as_str()) {
                complaints.push(format!("{file}: {key} is a bound and has no row"));
            }
        }
    }
    if !complaints.is_empty() {
        bail!("{PAGE}:\n  {}", complaints.join("\n  "));
    }
    println!("bounds: every test, metric and setting of {PAGE} is there");
    Ok(())
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
