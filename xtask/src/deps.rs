//! Which crate may use which: the direction of dependencies is a checked rule.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use fanjet_tools::shell::root;

/// The workspace crates that each one may use in shipped code. Tests, benches and build scripts may use more.
const MAY_USE: &[(&str, &[&str])] = &[
    ("fanjet-event", &[]),
    ("fanjet-json", &[]),
    ("fanjet-firehose", &["fanjet-event", "fanjet-json"]),
    ("fanjet-verify", &["fanjet-event", "fanjet-firehose"]),
    ("fanjet-did-web", &[]),
    ("fanjet-identity", &["fanjet-did-web"]),
    ("fanjet-filter", &["fanjet-event"]),
    ("fanjet-wire", &["fanjet-event", "fanjet-json"]),
    (
        "fanjet-log",
        &[
            "fanjet-event",
            "fanjet-wire",
            "fanjet-runtime",
            "fanjet-config",
        ],
    ),
    (
        "fanjet-log-nats",
        &["fanjet-event", "fanjet-wire", "fanjet-log", "fanjet-config"],
    ),
    (
        "fanjet-log-embedded",
        &[
            "fanjet-event",
            "fanjet-wire",
            "fanjet-log",
            "fanjet-runtime",
            "fanjet-config",
        ],
    ),
    ("fanjet-cluster", &["fanjet-event"]),
    ("fanjet-runtime", &[]),
    ("fanjet-output", &[]),
    ("fanjet-config", &["fanjet-output"]),
    ("fanjet-http", &["fanjet-runtime"]),
    (
        "fanjet-telemetry",
        &[
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-http",
            "fanjet-output",
        ],
    ),
    ("fanjet-websocket", &[]),
    (
        "fanjet-client",
        &[
            "fanjet-wire",
            "fanjet-runtime",
            "fanjet-websocket",
            "fanjet-dictionaries",
        ],
    ),
    (
        "fanjet-service",
        &[
            "fanjet-log",
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-output",
            "fanjet-telemetry",
        ],
    ),
    ("fanjet-dictionaries", &[]),
    (
        "fanjet-ingest",
        &[
            "fanjet-event",
            "fanjet-firehose",
            "fanjet-filter",
            "fanjet-verify",
            "fanjet-did-web",
            "fanjet-identity",
            "fanjet-websocket",
            "fanjet-wire",
            "fanjet-cluster",
            "fanjet-log",
            "fanjet-log-nats",
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-telemetry",
            "fanjet-service",
            "fanjet-output",
        ],
    ),
    (
        "fanjet-edge",
        &[
            "fanjet-event",
            "fanjet-filter",
            "fanjet-wire",
            "fanjet-cluster",
            "fanjet-log",
            "fanjet-log-embedded",
            "fanjet-log-nats",
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-dictionaries",
            "fanjet-http",
            "fanjet-telemetry",
            "fanjet-service",
            "fanjet-output",
        ],
    ),
    (
        "fanjet-kafka",
        &[
            "fanjet-event",
            "fanjet-did-web",
            "fanjet-identity",
            "fanjet-log",
            "fanjet-log-nats",
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-telemetry",
            "fanjet-service",
            "fanjet-output",
        ],
    ),
    (
        "fanjet",
        &[
            "fanjet-service",
            "fanjet-config",
            "fanjet-edge",
            "fanjet-ingest",
            "fanjet-kafka",
            "fanjet-output",
            "fanjet-standalone",
        ],
    ),
    (
        "fanjet-standalone",
        &[
            "fanjet-event",
            "fanjet-filter",
            "fanjet-client",
            "fanjet-wire",
            "fanjet-log",
            "fanjet-log-embedded",
            "fanjet-log-nats",
            "fanjet-runtime",
            "fanjet-config",
            "fanjet-telemetry",
            "fanjet-service",
            "fanjet-output",
            "fanjet-dictionaries",
            "fanjet-ingest",
            "fanjet-edge",
            "fanjet-kafka",
            "fanjet-simulator",
        ],
    ),
    ("fanjet-simulator", &["fanjet-event"]),
    (
        "fanjet-swarm",
        &[
            "fanjet-event",
            "fanjet-log",
            "fanjet-log-nats",
            "fanjet-runtime",
            "fanjet-dictionaries",
            "fanjet-oracle",
            "fanjet-simulator",
        ],
    ),
    ("fanjet-tools", &[]),
    ("fanjet-oracle", &[]),
    ("fanjet-testkit", &["fanjet-oracle", "fanjet-tools"]),
    (
        "fanjet-simulation",
        &[
            "fanjet-event",
            "fanjet-runtime",
            "fanjet-log",
            "fanjet-websocket",
            "fanjet-dictionaries",
            "fanjet-ingest",
            "fanjet-edge",
            "fanjet-oracle",
            "fanjet-simulator",
        ],
    ),
    (
        "fanjet-scenarios",
        &[
            "fanjet-runtime",
            "fanjet-dictionaries",
            "fanjet-firehose",
            "fanjet-log",
            "fanjet-log-embedded",
            "fanjet-log-nats",
            "fanjet-oracle",
            "fanjet-simulator",
            "fanjet-swarm",
            "fanjet-testkit",
            "fanjet-tools",
        ],
    ),
    // Light: what checks the project is built before everything else.
    ("xtask", &["fanjet-config", "fanjet-tools"]),
];

/// Foreign crates that only these workspace crates may use in shipped code.
const ONLY_IN: &[(&str, &[&str])] = &[
    (
        "async-nats",
        &["fanjet-log-nats", "fanjet-scenarios", "fanjet-testkit"],
    ),
    (
        "actix-web",
        &["fanjet-edge", "fanjet-http", "fanjet-telemetry"],
    ),
    ("actix", &["fanjet-edge"]),
    (
        "serde_ipld_dagcbor",
        &["fanjet-firehose", "fanjet-simulator"],
    ),
    ("iroh-car", &["fanjet-firehose"]),
    ("rdkafka", &["fanjet-kafka"]),
    (
        "reqwest",
        &[
            "fanjet-did-web",
            "fanjet-edge",
            "fanjet-identity",
            "fanjet-ingest",
            "fanjet-kafka",
            "fanjet-telemetry",
        ],
    ),
    ("opentelemetry-otlp", &["fanjet-telemetry"]),
    ("p256", &["fanjet-verify"]),
];

/// Pure crates: no runtime, no sockets.
const PURE: &[&str] = &[
    "fanjet-event",
    "fanjet-json",
    "fanjet-firehose",
    "fanjet-verify",
    "fanjet-filter",
    "fanjet-wire",
    "fanjet-cluster",
];
const RUNTIMES: &[&str] = &[
    "tokio",
    "futures",
    "actix",
    "actix-rt",
    "async-nats",
    "tracing",
];

pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let rules: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut broken = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let allowed = rules.get(name).with_context(|| {
            format!("{name} has no rule: add it to MAY_USE in xtask/src/deps.rs")
        })?;
        let shipped = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal);
        for used in shipped.filter(|dependency| !dependency.optional) {
            broken.extend(verdict(name, &used.name, allowed));
        }
    }
    if !broken.is_empty() {
        bail!(
            "dependency direction:\n  {}",
            broken.into_iter().collect::<Vec<_>>().join("\n  ")
        );
    }
    println!("dependency direction: {} crates in order", rules.len());
    Ok(())
}

/// The rule that `name` breaks by using `used`, if it breaks one.
fn verdict(name: &str, used: &str, allowed: &[&str]) -> Option<String> {
    let is_ours = MAY_USE.iter().any(|(ours, _)| *ours == used);
    if is_ours && !allowed.contains(&used) {
        return Some(format!(
            "{name} must not use {used}; allowed: {}",
            allowed.join(", ")
        ));
    }
    if PURE.contains(&name) && RUNTIMES.contains(&used) {
        return Some(format!("{name} is pure and must not use {used}"));
    }
    let (_, owners) = ONLY_IN.iter().find(|(restricted, _)| *restricted == used)?;
    (!owners.contains(&name))
        .then(|| format!("{name} must not use {used}; only {} may", owners.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_brief_are_broken_visibly() {
        for (name, used) in [
            ("fanjet-edge", "fanjet-firehose"),
            ("fanjet-edge", "fanjet-ingest"),
            ("fanjet-ingest", "fanjet-edge"),
            ("fanjet-ingest", "async-nats"),
            ("fanjet-wire", "tokio"),
            ("fanjet-event", "fanjet-json"),
            ("fanjet-edge", "fanjet"),
            ("fanjet-service", "fanjet-ingest"),
        ] {
            let allowed = MAY_USE.iter().find(|(ours, _)| *ours == name).unwrap().1;
            assert!(verdict(name, used, allowed).is_some(), "{name} -> {used}");
        }
        assert!(verdict("fanjet-log-nats", "async-nats", &[]).is_none());
    }

    #[test]
    fn the_workspace_keeps_the_rules() {
        check().unwrap();
    }
}
