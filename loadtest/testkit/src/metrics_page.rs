//! Compares `docs/operate/metrics.md` with the metrics of a program.
//!
//! A program's own test touches every instrument with all its labels, and passes the Prometheus output; both sides must
//! have the same metrics, types, labels and values.

use std::collections::{BTreeMap, BTreeSet};

/// The page.
const PAGE: &str = include_str!("../../../docs/operate/metrics.md");
/// The section of metrics that every process has.
const EVERY_PROCESS: &str = "Every process";

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeMap<String, Values>,
}

/// The values of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    /// One of these.
    Closed(BTreeSet<String>),
    /// Bounded in number, but not by name: the page has `any` and the bound.
    Any,
}

/// The differences between a section of the page and `rendered`; empty if they agree.
///
/// # Errors
/// When the page cannot be parsed.
pub fn disagreements(section: &str, rendered: &str) -> anyhow::Result<Vec<String>> {
    let mut listed = page(section)?;
    listed.extend(page(EVERY_PROCESS)?);
    let shown = exposition(rendered);
    let mut found = Vec::new();
    for name in listed.keys().chain(shown.keys()).collect::<BTreeSet<_>>() {
        match (listed.get(name), shown.get(name)) {
            (Some(listed), Some(shown)) => compare(name, listed, shown, &mut found),
            (None, _) => found.push(format!("{name} is not documented")),
            (_, None) => found.push(format!("{name} is documented but missing")),
        }
    }
    Ok(found)
}

/// Names of metrics in a program's source that `rendered` does not contain: instruments that the test does not touch,
/// which [`disagreements`] cannot find.
pub fn untouched(source: &str, rendered: &str) -> Vec<String> {
    let shown: Vec<_> = exposition(rendered).into_keys().collect();
    let names = source.split('"').skip(1).step_by(2);
    // What ends with an underscore is the beginning of names.
    let names = names
        .filter(|text| text.starts_with("fanjet_") && !text.contains(' ') && !text.ends_with('_'));
    names
        .filter(|name| !shown.iter().any(|shown| shown.starts_with(name)))
        .map(str::to_owned)
        .collect()
}

/// Names of metrics in `rendered` without a help text.
pub fn without_help(rendered: &str) -> Vec<String> {
    let has_help = |name: &str| {
        let beginning = format!("# HELP {name} ");
        rendered.lines().any(|line| {
            line.strip_prefix(&beginning)
                .is_some_and(|help| !help.trim().is_empty())
        })
    };
    let mut names: Vec<_> = exposition(rendered).into_keys().collect();
    names.retain(|name| !has_help(name));
    names
}

fn compare(name: &str, listed: &Metric, shown: &Metric, found: &mut Vec<String>) {
    if listed.kind != shown.kind {
        found.push(format!(
            "{name} is a {}, listed as {}",
            shown.kind, listed.kind
        ));
    }
    let names = |metric: &Metric| metric.labels.keys().cloned().collect::<Vec<_>>();
    if names(listed) != names(shown) {
        let (shown, listed) = (names(shown), names(listed));
        found.push(format!(
            "{name} has the labels {shown:?}, listed are {listed:?}"
        ));
    }
    for (label, values) in &shown.labels {
        let listed = listed.labels.get(label);
        if listed.is_some_and(|listed| *listed != Values::Any && listed != values) {
            found.push(format!(
                "{name}: {label} is {values:?}, listed is {listed:?}"
            ));
        }
    }
}

/// The metrics of one section: the rows of its tables whose first cell is a name.
fn page(section: &str) -> anyhow::Result<BTreeMap<String, Metric>> {
    let heading = format!("\n## {section}\n");
    let Some((_, text)) = PAGE.split_once(&heading) else {
        anyhow::bail!("docs/operate/metrics.md has no section {section}");
    };
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut metrics = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, labels, meaning] = cells[..] else {
            anyhow::bail!("five cells are needed: {line}");
        };
        let name = name.trim_matches('`').to_owned();
        anyhow::ensure!(!meaning.is_empty() && !unit.is_empty(), "empty: {line}");
        for suffix in ["seconds", "bytes"] {
            let stem = name.trim_end_matches("_total");
            let is_named = stem.ends_with(&format!("_{suffix}"));
            anyhow::ensure!(is_named == (unit == suffix), "another unit: {line}");
        }
        // at-kafka's names are those of its dashboards.
        let is_total = name.ends_with("_total") || name.starts_with("atkafka_");
        anyhow::ensure!(
            kind != "counter" || is_total,
            "counters end in _total: {line}"
        );
        let metric = Metric {
            kind: kind.to_owned(),
            labels: labels_of(labels)?,
        };
        let before = metrics.insert(name, metric);
        anyhow::ensure!(before.is_none(), "duplicate row: {line}");
    }
    Ok(metrics)
}

/// A cell such as ``reason`: `a`, `b`; `collection`: any of the largest`.
fn labels_of(cell: &str) -> anyhow::Result<BTreeMap<String, Values>> {
    let labels = cell.split("; ").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let Some((name, values)) = label.split_once(": ") else {
            anyhow::bail!("a label needs values: {label}");
        };
        let values = match values.starts_with("any ") {
            true => Values::Any,
            false => Values::Closed(values.split(", ").map(unquoted).collect()),
        };
        Ok((unquoted(name), values))
    });
    labels.collect()
}

fn unquoted(text: &str) -> String {
    text.trim_matches('`').to_owned()
}

/// Parses Prometheus' text format. Label values here have no commas, quotes or braces.
fn exposition(rendered: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::new();
    for line in rendered.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            if let Some((name, kind)) = kind.split_once(' ') {
                let (kind, labels) = (kind.to_owned(), BTreeMap::new());
                metrics.insert(name.to_owned(), Metric { kind, labels });
            }
            continue;
        }
        let Some((name, rest)) = line.split_once('{') else {
            continue;
        };
        let Some(metric) = metrics.get_mut(name) else {
            continue;
        };
        let labels = rest.split('}').next().unwrap_or_default();
        for label in labels.split(',') {
            let Some((label, value)) = label.split_once('=') else {
                continue;
            };
            let known = metric.labels.entry(label.to_owned());
            let known = known.or_insert_with(|| Values::Closed(BTreeSet::new()));
            if let Values::Closed(values) = known {
                values.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        let shown = exposition(
            "# HELP a what\n# TYPE a counter\na{x=\"1\",y=\"2\"} 3\na{x=\"4\",y=\"2\"} 3\n# TYPE b gauge\nb 1\n",
        );
        let listed = labels_of("`x`: `1`, `4`; `y`: `2`").unwrap();
        assert_eq!(shown["a"].labels, listed);
        assert_eq!((&*shown["a"].kind, &*shown["b"].kind), ("counter", "gauge"));
        assert!(shown["b"].labels.is_empty());
    }

    #[test]
    fn a_metric_without_help_is_found() {
        let rendered = "# HELP a Events\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n# HELP c \n# TYPE c gauge\nc 1\n";
        assert_eq!(without_help(rendered), ["b", "c"]);
    }

    #[test]
    fn every_difference_is_listed() {
        let metric = |kind: &str, labels: &str| Metric {
            kind: kind.to_owned(),
            labels: labels_of(labels).unwrap(),
        };
        let listed = metric("counter", "`x`: `1`");
        let differs = |shown: &Metric| {
            let mut found = Vec::new();
            compare("name", &listed, shown, &mut found);
            found.len()
        };
        assert_eq!(differs(&listed.clone()), 0);
        assert_eq!(differs(&metric("gauge", "`x`: `1`")), 1);
        assert_eq!(differs(&metric("counter", "")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `1`; `y`: `1`")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `2`")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `1`, `2`")), 1);
        let any = metric("counter", "`x`: any of the largest");
        let mut found = Vec::new();
        compare("name", &any, &listed, &mut found);
        assert_eq!(found, Vec::<String>::new());
        assert!(disagreements("Ingest", "").unwrap().len() > 20);
        disagreements("No such section", "").unwrap_err();
    }
}
