//! Alerts and dashboards: they name metrics that exist, and every alert has its runbook.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use fanjet_tools::shell::{root, run as run_command};

const RUNBOOKS: &str = "docs/operate/runbooks.md";
const RULES: &str = "deploy/prometheus/rules.yaml";
const TESTS: &str = "deploy/prometheus/rules.test.yaml";

pub(super) fn check(promtool: &Path) -> Result<()> {
    let rules = read(&root().join(RULES))?;
    check_runbooks(&rules, &read(&root().join(RUNBOOKS))?)?;
    let tests = after(&read(&root().join(TESTS))?, "alertname: ");
    let untested: Vec<_> = after(&rules, "- alert: ")
        .difference(&tests)
        .cloned()
        .collect();
    ensure!(
        untested.is_empty(),
        "{TESTS} has no test that fires {untested:?}"
    );
    let mut known = BTreeSet::new();
    metrics_in_code(&root().join("services"), &mut known)?;
    // Metrics that the code has under other prefixes, too.
    let derived: Vec<_> = DERIVED
        .iter()
        .flat_map(|(from, to)| {
            known
                .iter()
                .filter_map(move |name| Some(format!("{to}{}", name.strip_prefix(from)?)))
        })
        .collect();
    known.extend(derived);
    known.extend(after(&rules, "- record: "));
    let mut used = names(&rules);
    for entry in fs::read_dir(root().join("deploy/grafana"))? {
        used.extend(names(&read(&entry?.path())?));
    }
    let unknown: Vec<_> = used.difference(&known).collect();
    ensure!(unknown.is_empty(), "unknown metrics: {unknown:?}");
    println!(
        "chart: {} metrics in rules and dashboards exist",
        used.len()
    );
    run_tests(promtool)
}

/// Every alert has a heading of its name among the runbooks, and links to it; every runbook belongs to an alert.
fn check_runbooks(rules: &str, runbooks: &str) -> Result<()> {
    let alerts = after(rules, "- alert: ");
    ensure!(!alerts.is_empty(), "{RULES} has no alerts");
    let headings: BTreeSet<_> = after(runbooks, "### ")
        .into_iter()
        .filter(|heading| heading.starts_with("Fanjet"))
        .collect();
    ensure!(
        alerts == headings,
        "{RULES} and the runbooks in {RUNBOOKS} differ: {:?}",
        alerts.symmetric_difference(&headings).collect::<Vec<_>>()
    );
    for alert in &alerts {
        let link = format!("runbook_url: {RUNBOOKS}#{}\n", alert.to_lowercase());
        ensure!(rules.contains(&link), "{alert} does not link its runbook");
    }
    println!("chart: {} alerts have their runbooks", alerts.len());
    Ok(())
}

/// The rest of each line that starts with a prefix.
fn after(text: &str, word: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(word))
        .map(|rest| rest.trim().to_owned())
        .collect()
}

/// The reader of the raw log, the lease of the role labels, and the streams of labels have the metrics of others.
const DERIVED: [(&str, &str); 3] = [
    ("fanjet_ingest_", "fanjet_ingest_raw_"),
    ("fanjet_ingest_", "fanjet_labels_"),
    ("fanjet_edge_raw_", "fanjet_edge_labels_"),
];

/// Prefixes of our metrics; the second is shared with at-kafka.
const PREFIXES: [&str; 2] = ["fanjet_", "atkafka_"];

fn is_ours(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// All our names: `fanjet_edge_...`, and recording rules with colons.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.split(|c| !is_part(c))
        .filter(|word| is_ours(word))
        .map(str::to_owned)
        .collect()
}

/// Names of metrics in the services' code.
fn metrics_in_code(folder: &Path, known: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            metrics_in_code(&path, known)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read(&path)?;
            let quoted = text.split('"').skip(1).step_by(2);
            known.extend(quoted.filter(|word| is_ours(word)).map(str::to_owned));
        }
    }
    Ok(())
}

/// Runs the rules' own tests.
fn run_tests(promtool: &Path) -> Result<()> {
    for args in [["check", "rules", RULES], ["test", "rules", TESTS]] {
        run_command(Command::new(promtool).current_dir(root()).args(args))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_runbook_is_found() {
        let rules = "- alert: FanjetA\n  runbook_url: docs/operate/runbooks.md#fanjeta\n";
        check_runbooks(rules, "### FanjetA\n").unwrap();
        for runbooks in ["", "### FanjetA\n### FanjetB\n"] {
            assert!(check_runbooks(rules, runbooks).is_err());
        }
        let unlinked = "- alert: FanjetA\n  runbook_url: docs/operate/runbooks.md#fanjetb\n";
        assert!(check_runbooks(unlinked, "### FanjetA\n").is_err());
    }

    #[test]
    fn names_are_found_in_expressions() {
        let found =
            names("sum(rate(fanjet_edge_x{a=\"fanjet\"}[5m])) > fanjet_edge:y:rate1m + atkafka_z");
        let expected = ["atkafka_z", "fanjet_edge:y:rate1m", "fanjet_edge_x"];
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            expected
        );
    }
}
