//! `docs/operate/metrics.md` against what a program really shows.
//!
//! A program's own test touches every instrument with every label it has, and hands over what Prometheus would read; both
//! sides must name the same metrics, types, labels and values.

use std::collections::{BTreeMap, BTreeSet};

/// The page.
const PAGE: &str = include_str!("../../../docs/operate/metrics.md");
/// The section of metrics that are there whatever the program does.
const EVERY_PROCESS: &str = "Every process";

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeMap<String, Values>,
}

/// What a label may be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    /// One of these.
    Closed(BTreeSet<String>),
    /// Bounded in number, but not by name: the page says `any` and how.
    Any,
}

/// What is different between a section of the page and `rendered`, in words; nothing when both agree.
///
/// # Errors
/// A page that cannot be read.
pub fn disagreements(section: &str, rendered: &str) -> anyhow::Result<Vec<String>> {
    let mut told = page(section)?;
    told.extend(page(EVERY_PROCESS)?);
    let shown = exposition(rendered);
    let mut found = Vec::new();
    for name in told.keys().chain(shown.keys()).collect::<BTreeSet<_>>() {
        match (told.get(name), shown.get(name)) {
            (Some(told), Some(shown)) => compare(name, told, shown, &mut found),
            (None, _) => found.push(format!("{name} is not on the page")),
            (_, None) => found.push(format!("{name} is only on the page")),
        }
    }
    Ok(found)
}

/// Names of metrics in a program's source that `rendered` does not show: instruments that the test forgets to touch, which
/// [`disagreements`] cannot see.
pub fn untouched(source: &str, rendered: &str) -> Vec<String> {
    let shown: Vec<_> = exposition(rendered).into_keys().collect();
    let names = source.split('"').skip(1).step_by(2);
    let names = names.filter(|text| text.starts_with("fanjet_") && !text.contains(' '));
    names
        .filter(|name| !shown.iter().any(|shown| shown.starts_with(name)))
        .map(str::to_owned)
        .collect()
}

fn compare(name: &str, told: &Metric, shown: &Metric, found: &mut Vec<String>) {
    if told.kind != shown.kind {
        found.push(format!("{name} is a {}, told as {}", shown.kind, told.kind));
    }
    let names = |metric: &Metric| metric.labels.keys().cloned().collect::<Vec<_>>();
    if names(told) != names(shown) {
        let (shown, told) = (names(shown), names(told));
        found.push(format!(
            "{name} has the labels {shown:?}, told are {told:?}"
        ));
    }
    for (label, values) in &shown.labels {
        let told = told.labels.get(label);
        if told.is_some_and(|told| *told != Values::Any && told != values) {
            found.push(format!("{name}: {label} is {values:?}, told is {told:?}"));
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
        let metric = Metric {
            kind: kind.to_owned(),
            labels: labels_of(labels)?,
        };
        let before = metrics.insert(name, metric);
        anyhow::ensure!(before.is_none(), "told twice: {line}");
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

/// What stands in Prometheus' text format. Values of labels have no commas, quotes or braces here.
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
        let told = labels_of("`x`: `1`, `4`; `y`: `2`").unwrap();
        assert_eq!(shown["a"].labels, told);
        assert_eq!((&*shown["a"].kind, &*shown["b"].kind), ("counter", "gauge"));
        assert!(shown["b"].labels.is_empty());
    }

    #[test]
    fn every_difference_is_told() {
        let metric = |kind: &str, labels: &str| Metric {
            kind: kind.to_owned(),
            labels: labels_of(labels).unwrap(),
        };
        let told = metric("counter", "`x`: `1`");
        let differs = |shown: &Metric| {
            let mut found = Vec::new();
            compare("name", &told, shown, &mut found);
            found.len()
        };
        assert_eq!(differs(&told.clone()), 0);
        assert_eq!(differs(&metric("gauge", "`x`: `1`")), 1);
        assert_eq!(differs(&metric("counter", "")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `1`; `y`: `1`")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `2`")), 1);
        assert_eq!(differs(&metric("counter", "`x`: `1`, `2`")), 1);
        let any = metric("counter", "`x`: any of the largest");
        let mut found = Vec::new();
        compare("name", &any, &told, &mut found);
        assert_eq!(found, Vec::<String>::new());
        assert!(disagreements("Ingest", "").unwrap().len() > 20);
        disagreements("No such section", "").unwrap_err();
    }
}
