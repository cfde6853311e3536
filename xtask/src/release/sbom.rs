//! What a program is made of, as CycloneDX in JSON: every crate that is linked into it, with its checksum and licence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use fanjet_tools::shell::root;
use serde_json::{Value, json};

use super::programs::Variant;
use super::version::Version;

/// # Errors
/// When cargo does not know its own packages.
pub(super) fn of(version: &Version, variant: Variant) -> Result<String> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("services/fanjet/Cargo.toml"));
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut options: Vec<_> = variant
        .features()
        .iter()
        .map(|it| (*it).to_owned())
        .collect();
    options.extend([
        "--locked".to_owned(),
        "--filter-platform".to_owned(),
        platform,
    ]);
    let metadata = command.other_options(options).exec()?;
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let bom = bom(&metadata, &checksums(&lock), version)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&bom)?))
}

fn bom(
    metadata: &Metadata,
    checksums: &BTreeMap<(String, String), String>,
    version: &Version,
) -> Result<Value> {
    let program = metadata.packages.iter().find(|it| it.name == "fanjet");
    let linked = linked(metadata, &program.context("no package fanjet")?.id)?;
    let mut components = Vec::new();
    let mut sorted: Vec<_> = metadata.packages.iter().collect();
    sorted.sort_by_key(|it| (it.name.to_string(), it.version.clone()));
    for package in sorted.into_iter().filter(|it| linked.contains(&it.id)) {
        let (name, number) = (package.name.to_string(), package.version.to_string());
        let mut component = json!({
            "type": "library",
            "name": name,
            "version": number,
            "purl": format!("pkg:cargo/{name}@{number}"),
        });
        if let Some(licence) = &package.license {
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if let Some(checksum) = checksums.get(&(name, number)) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        components.push(component);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "name": "fanjet",
            "version": version.number,
            "purl": format!("pkg:cargo/fanjet@{}", version.number),
        } },
        "components": components,
    }))
}

/// The packages that become part of the program: neither those of build scripts nor those of tests.
fn linked(metadata: &Metadata, program: &PackageId) -> Result<BTreeSet<PackageId>> {
    let resolved = metadata.resolve.as_ref().context("nothing is resolved")?;
    let mut linked = BTreeSet::new();
    let mut next = vec![program.clone()];
    while let Some(id) = next.pop() {
        let node = resolved.nodes.iter().find(|node| node.id == id);
        let node = node.with_context(|| format!("{id} is not resolved"))?;
        for dependency in &node.deps {
            let is_normal = |it: &&cargo_metadata::DepKindInfo| it.kind == DependencyKind::Normal;
            let is_linked = dependency.dep_kinds.iter().any(|it| is_normal(&it));
            if is_linked && linked.insert(dependency.pkg.clone()) {
                next.push(dependency.pkg.clone());
            }
        }
    }
    Ok(linked)
}

/// The checksums of a lock file by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let packages = lock.split("[[package]]").map(|package| {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        Some((
            (value("name = ")?, value("version = ")?),
            value("checksum = ")?,
        ))
    });
    packages.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_nats_is_in_every_program_and_kafka_in_one() {
        let version = Version {
            number: "1.0.0",
            time: String::new(),
            is_dry: true,
        };
        let names = Variant::ALL.map(|variant| {
            let bom: Value = serde_json::from_str(&of(&version, variant).unwrap()).unwrap();
            let components = bom["components"].as_array().unwrap();
            let nats = components.iter().find(|it| it["name"] == "async-nats");
            let nats = nats.unwrap();
            assert_eq!(nats["hashes"][0]["content"].as_str().unwrap().len(), 64);
            assert!(nats["licenses"][0]["expression"].is_string());
            let name = |it: &Value| it["name"].as_str().unwrap().to_owned();
            components.iter().map(name).collect::<BTreeSet<_>>()
        });
        assert!(names[0].contains("rdkafka-sys") && !names[1].contains("rdkafka-sys"));
        for name in ["fanjet-testkit", "cc"] {
            assert!(
                !names[1].contains(name),
                "{name} is not part of the program"
            );
        }
    }
}
