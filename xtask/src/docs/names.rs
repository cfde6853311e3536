//! Tests, files and metrics that pages name exist, and every invariant names tests that attack it.
//!
//! A test is named as `path/from/the/root.rs::name_of_the_test`, so that a renamed or removed test fails here. A file may be
//! named by the end of its path.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use fanjet_tools::shell::root;

use super::markdown::{Pages, code_spans};
use crate::tidy;

/// The page with a numbered section for each invariant.
const INVARIANTS: &str = "docs/develop/invariants.md";
/// Every metric has a row there.
const METRICS: &str = "docs/operate/metrics.md";
pub(super) fn check(pages: &Pages) -> Result<Vec<String>> {
    let page = |name: &str| {
        let text = pages.get(Path::new(name));
        text.with_context(|| format!("there is no page {name}"))
    };
    let metrics = page(METRICS)?;
    let sources = tidy::sources()?;
    let is_source = |name: &str| sources.iter().any(|source| source.ends_with(name));
    let read = |file: &str| fs::read_to_string(root().join(file)).ok();
    let mut complaints = Vec::new();
    for (page, text) in pages {
        let page = page.display();
        let unknown = code_spans(text).filter_map(|name| unknown(name, metrics, &is_source, &read));
        complaints.extend(unknown.map(|complaint| format!("{page}: {complaint}")));
    }
    let bare = bare_sections(page(INVARIANTS)?);
    complaints.extend(bare.map(|section| {
        format!("{INVARIANTS}: {section:?} names no test (allowed: `path/to/file.rs::test`)")
    }));
    Ok(complaints)
}

/// What is wrong with a name, if it is that of a test, a source file or a metric.
fn unknown(
    name: &str,
    metrics: &str,
    is_source: &dyn Fn(&str) -> bool,
    read: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let is_path = |file: &str| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_-./".contains(&b);
        file.strip_suffix(".rs")
            .is_some_and(|stem| !stem.is_empty() && stem.bytes().all(is_part))
    };
    if let Some((file, test)) = name.split_once("::").filter(|(file, _)| is_path(file)) {
        let is_known = read(file).is_some_and(|text| text.contains(&format!("fn {test}(")));
        return (!is_known).then(|| format!("there is no test {name}"));
    }
    if is_path(name) {
        return (!is_source(name)).then(|| format!("there is no file {name}"));
    }
    let metric = name.split('{').next().unwrap_or(name);
    let is_metric = (metric.starts_with("fanjet_") || metric.starts_with("atkafka_"))
        && metric.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && !metric.ends_with('_');
    if !is_metric {
        return None;
    }
    (!metrics.contains(&format!("`{metric}`"))).then(|| format!("{METRICS} has no metric {metric}"))
}

/// The numbered sections in which no test is named.
fn bare_sections(page: &str) -> impl Iterator<Item = &str> {
    let sections = page.split("\n## ").skip(1);
    sections.filter_map(|section| {
        let title = section.lines().next().unwrap_or_default();
        let is_numbered = title.starts_with(|c: char| c.is_ascii_digit());
        let names_a_test = code_spans(section).any(|name| name.contains(".rs::"));
        (is_numbered && !names_a_test).then_some(title)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(name: &str) -> Option<String> {
        let read = |file: &str| (file == "shared/a.rs").then(|| "fn it_holds() {}".to_owned());
        let is_source = |name: &str| Path::new("shared/a.rs").ends_with(name);
        unknown(name, "| `fanjet_x` |", &is_source, &read)
    }

    #[test]
    fn a_renamed_test_a_moved_file_and_an_unknown_metric_are_found() {
        for known in [
            "shared/a.rs",
            "a.rs",
            "shared/a.rs::it_holds",
            "fanjet_x{reason=\"a\"}",
            "fanjet_edge_*",
            "Self::it",
            "fanjet_runtime::Tasks",
            "shared/{a,b}.rs",
        ] {
            assert_eq!(complaint(known), None, "{known}");
        }
        for unknown in [
            "shared/b.rs",
            "b/a.rs",
            "shared/b.rs::it_holds",
            "shared/a.rs::it_held",
            "fanjet_y",
        ] {
            assert!(complaint(unknown).is_some(), "{unknown}");
        }
    }

    #[test]
    fn an_invariant_without_a_test_is_found() {
        let page = "# Title\n\n## 1. One\n\n`a.rs::b`\n\n## 2. Two\n\n`a.rs`\n\n## Table\n";
        assert_eq!(bare_sections(page).collect::<Vec<_>>(), ["2. Two"]);
    }
}
