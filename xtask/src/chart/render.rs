//! Renders the chart with some values, as Kubernetes would get it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use super::folders::{chart, output};
use super::tools::Tools;

/// Marks the expected message in an invalid values file.
const REFUSED: &str = "# refused: ";

/// All manifests of one shape.
pub(super) struct Rendered {
    /// The name of the values file without its extension.
    pub(super) shape: String,
    /// One object each.
    pub(super) manifests: Vec<String>,
}

impl Rendered {
    /// Renders, and keeps the text below `target/chart`.
    ///
    /// # Errors
    /// With Helm's message.
    pub(super) fn of(tools: &Tools, values: &Path, kubernetes: &str) -> Result<Self> {
        let shape = values.file_stem().context("a values file has a name")?;
        let shape = shape.to_string_lossy().into_owned();
        let answer = template(tools, values, kubernetes)?;
        if !answer.status.success() {
            bail!("{shape}: {}", String::from_utf8_lossy(&answer.stderr));
        }
        let text = String::from_utf8(answer.stdout)?;
        fs::create_dir_all(output())?;
        fs::write(output().join(format!("{shape}.yaml")), &text)?;
        let manifests = text
            .split("\n---\n")
            .map(|manifest| manifest.trim_start_matches("---\n").to_owned())
            .filter(|manifest| manifest.lines().any(|line| line.starts_with("kind:")))
            .collect();
        Ok(Self { shape, manifests })
    }
}

/// The value of a field at the outermost level.
pub(super) fn field<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    let mut values = manifest
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    values.next()
}

/// Helm rejects these values with the message in their first line.
///
/// # Errors
/// When they are accepted, or rejected for another reason.
pub(super) fn must_be_refused(tools: &Tools, values: &Path, kubernetes: &str) -> Result<()> {
    let text = fs::read_to_string(values)?;
    let words = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(REFUSED));
    let words =
        words.with_context(|| format!("{} does not start with {REFUSED}...", values.display()))?;
    let answer = template(tools, values, kubernetes)?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(
        !answer.status.success() && said.contains(words),
        "{} must be rejected with {words:?}; helm reported: {said}",
        values.display()
    );
    Ok(())
}

/// Settings, and the annotation that changes with them.
const SHOWN: [(&str, &str, &str); 6] = [
    (
        "edge.config.edge.hub.promptness=9",
        "-edge",
        "checksum/config: ",
    ),
    (
        "ingest.config.ingest.lease.ttl=9s",
        "-ingest",
        "checksum/config: ",
    ),
    (
        "kafka.config.kafka.linger=9ms",
        "-kafka-0",
        "checksum/config: ",
    ),
    ("nats.syncInterval=1s", "-nats", "checksum/config: "),
    (
        "log.maxAge=24h",
        "-prepare-",
        "name: release-fanjet-prepare-",
    ),
    // Kubernetes refuses another pod for the same job, and Helm with it the whole upgrade.
    (
        "log.prepare.resources.limits.memory=64Mi",
        "-prepare-",
        "name: release-fanjet-prepare-",
    ),
];

/// Objects that the defaults leave out.
const KAFKA: [&str; 2] = [
    "--set",
    "kafka.enabled=true,kafka.bootstrapServers=kafka:9092,kafka.topic=events",
];

/// Changed settings restart the pods that read them, and no others.
///
/// # Errors
/// When a pod does not restart, or others do.
pub(super) fn changes_must_show(tools: &Tools, values: &Path, kubernetes: &str) -> Result<()> {
    let marks = |set: &[&str]| -> Result<Vec<String>> {
        let mut template = command(tools, values, kubernetes);
        let answer = template.args(KAFKA).args(set).output()?;
        let text = String::from_utf8(answer.stdout)?;
        let marks = SHOWN.map(|(_, component, mark)| {
            let is_it = |manifest: &&str| {
                let name = manifest.lines().find(|line| line.starts_with("  name: "));
                let is_named = name.is_some_and(|name| name.contains(component));
                is_named && manifest.contains(mark) && !manifest.contains("kind: ConfigMap\n")
            };
            let manifest = text.split("\n---\n").find(is_it).unwrap_or_default();
            let line = manifest.lines().find(|line| line.contains(mark));
            line.unwrap_or_default().to_owned()
        });
        Ok(marks.into())
    };
    let before = marks(&[])?;
    ensure!(!before.iter().any(String::is_empty), "no marks: {before:?}");
    for (setting, component, _) in SHOWN {
        let after = marks(&["--set", setting])?;
        for ((_, other, _), (was, is)) in SHOWN.iter().zip(before.iter().zip(&after)) {
            let should_differ = *other == component;
            ensure!(
                (was != is) == should_differ,
                "{setting} is for {component}: {was:?} became {is:?}"
            );
        }
    }
    Ok(())
}

fn template(tools: &Tools, values: &Path, kubernetes: &str) -> Result<Output> {
    let mut template = command(tools, values, kubernetes);
    template.output().context("failed to run helm")
}

fn command(tools: &Tools, values: &Path, kubernetes: &str) -> Command {
    let mut template = Command::new(&tools.helm);
    template.args(["template", "release", "--namespace", "space"]);
    template.args(["--kube-version", kubernetes]);
    template.arg("--values").arg(values).arg(chart());
    template
}
