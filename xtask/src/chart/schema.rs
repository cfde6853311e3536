//! The schema of the settings that pass through the chart, generated from the services' commented defaults: an unknown
//! key is rejected before anything is installed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Error, Result, bail, ensure};
use fanjet_config::{Entry, entries};
use serde_json::{Map, Value, json};

use super::folders::chart;
use fanjet_tools::shell::root;

/// By service its fragments, and what the chart decides by itself: keys, and sections with a dot behind them.
const SERVICES: [(&str, &[&str], &[&str]); 5] = [
    // For every service that has these sections.
    ("rawConfig", &["shared/log/raw.toml"], &[]),
    ("labelsConfig", &["shared/log/labels.toml"], &[]),
    (
        "ingestConfig",
        &["services/ingest/ingest.toml", NATS],
        &[
            "ingest.upstream.url",
            "ingest.upstream.name",
            "ingest.pipeline.drain_timeout",
        ],
    ),
    (
        "edgeConfig",
        &["services/edge/edge.toml", NATS],
        // Kubernetes' grace period is made of preStopSeconds, which does what the grace does, and of drainSeconds.
        &[
            "edge.http.listen",
            "edge.drain.",
            "edge.disk.path",
            "edge.disk.max_bytes",
        ],
    ),
    (
        "kafkaConfig",
        &["services/kafka/kafka.toml", NATS],
        &[
            "kafka.bootstrap_servers",
            "kafka.topic",
            "kafka.request_timeout",
            "kafka.shard.",
            "kafka.sasl.",
            "kafka.tls.enabled",
            "kafka.tls.ca_file",
            "kafka.tls.certificate_file",
            "kafka.tls.key_file",
            // A secret: extraEnv.
            "kafka.tls.key_password",
        ],
    ),
];

const NATS: &str = "shared/log-nats/nats.toml";

/// Of the connection to NATS the chart decides everything but its fine points.
const CONNECTION: &[&str] = &[
    "nats.request_timeout",
    "nats.ack_timeout",
    "nats.publish_window",
    "nats.read_ahead_bytes",
];

pub(super) fn check() -> Result<()> {
    let written = read()?;
    for (name, schema) in wanted()? {
        ensure!(
            written["$defs"][name] == schema,
            "values.schema.json: {name} differs from the service's defaults: run cargo xtask chart --write"
        );
    }
    Ok(())
}

pub(super) fn write() -> Result<()> {
    let mut schema = read()?;
    for (name, wanted) in wanted()? {
        schema["$defs"][name] = wanted;
    }
    let text = serde_json::to_string_pretty(&schema)?;
    Ok(fs::write(path(), format!("{text}\n"))?)
}

fn path() -> PathBuf {
    chart().join("values.schema.json")
}

fn read() -> Result<Value> {
    let text = fs::read_to_string(path()).context("cannot read values.schema.json")?;
    Ok(serde_json::from_str(&text)?)
}

fn wanted() -> Result<Vec<(&'static str, Value)>> {
    let mut schemas = Vec::new();
    for (name, files, own) in SERVICES {
        let mut texts = Vec::new();
        for file in files {
            texts.push(fs::read_to_string(root().join(file))?);
        }
        let schema = of(&texts, own).with_context(|| format!("{files:?}"))?;
        schemas.push((name, schema));
    }
    Ok(schemas)
}

/// The schema of what fragments allow, without the keys of the chart itself.
fn of(fragments: &[String], own: &[&str]) -> Result<Value> {
    let mut sections = Map::new();
    for text in fragments {
        for entry in entries(text).map_err(Error::msg)? {
            let key = entry.key();
            let is_named = |own: &&str| key == *own || own.ends_with('.') && key.starts_with(own);
            let is_nats = key.starts_with("nats.") && !CONNECTION.contains(&key.as_str());
            if !is_nats && !own.iter().any(is_named) {
                insert(&mut sections, &key, leaf(&entry)?)?;
            }
        }
    }
    Ok(object(sections))
}

fn leaf(entry: &Entry) -> Result<Value> {
    let mut schema = match entry.default.type_str() {
        "array" => json!({ "type": "array", "items": { "type": "string" } }),
        "float" => json!({ "type": "number" }),
        name @ ("string" | "boolean" | "integer") => json!({ "type": name }),
        name => bail!("{}: {name} is of no known type", entry.key()),
    };
    let mut description = entry.comment.clone();
    if let Some(allowed) = &entry.allowed {
        description = format!("{description} Allowed: {allowed}.");
        if let Some((least, most)) = allowed.whole_numbers() {
            schema["minimum"] = least.into();
            schema["maximum"] = most.into();
        }
    }
    schema["description"] = description.into();
    Ok(schema)
}

/// Inserts a schema below the sections of its dotted path.
fn insert(sections: &mut Map<String, Value>, path: &str, schema: Value) -> Result<()> {
    let Some((section, rest)) = path.split_once('.') else {
        sections.insert(path.to_owned(), schema);
        return Ok(());
    };
    let below = sections
        .entry(section)
        .or_insert_with(|| object(Map::new()));
    let below = below["properties"].as_object_mut();
    insert(below.context("a section has properties")?, rest, schema)
}

fn object(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_make_a_schema() {
        let fragment = "[a]\n# How many.\n# Allowed: 1 to 9, or 0 for none.\nmany = 5\n# Which.\nname = \"x\"\n[a.b]\n# Whether.\nis_it = true\n# Which.\nlist = []\n[a.c]\n# Where.\nd = \"\"\n";
        let schema = of(&[fragment.to_owned()], &["a.name", "a.c."]).unwrap();
        let a = &schema["properties"]["a"];
        assert_eq!(a["additionalProperties"], false);
        assert_eq!(
            a["properties"]["many"],
            json!({
                "type": "integer",
                "description": "How many. Allowed: 1 to 9, or 0 for none.",
                "minimum": 0,
                "maximum": 9,
            })
        );
        for own in ["name", "c"] {
            assert!(
                a["properties"].get(own).is_none(),
                "{own} is the chart's own"
            );
        }
        let b = &a["properties"]["b"]["properties"];
        assert_eq!(
            (&b["is_it"]["type"], &b["list"]["type"]),
            (&json!("boolean"), &json!("array"))
        );
    }

    #[test]
    fn the_charts_schema_is_up_to_date() {
        check().unwrap();
    }
}
