//! The schema of the settings that pass through the chart, made from the services' own commented defaults: a key that a
//! service does not know is refused before anything is installed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::folders::chart;
use fanjet_tools::shell::root;

/// What the chart decides by itself, by service: keys, and sections with a dot behind them.
const CHARTS_OWN: [(&str, &str, &[&str]); 3] = [
    (
        "ingestConfig",
        "services/ingest/config.toml",
        &["upstream.url", "upstream.name", "pipeline.drain_timeout"],
    ),
    (
        "edgeConfig",
        "services/edge/config.toml",
        &["http.listen", "drain.deadline"],
    ),
    (
        "kafkaConfig",
        "services/kafka/kafka.toml",
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

/// The connection's fine points, which all have; docs/operate/settings.md says what they mean.
const CONNECTION: &str = "connect_timeout = \"\"\nrequest_timeout = \"\"\nack_timeout = \"\"\npublish_window = 1\nread_ahead_bytes = 1\n";

pub(super) fn check() -> Result<()> {
    let written = read()?;
    for (name, schema) in wanted()? {
        ensure!(
            written["$defs"][name] == schema,
            "values.schema.json: {name} is not what the service's defaults say: cargo xtask chart --write"
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
    let text = fs::read_to_string(path()).context("values.schema.json cannot be read")?;
    Ok(serde_json::from_str(&text)?)
}

fn wanted() -> Result<Vec<(&'static str, Value)>> {
    let schemas = CHARTS_OWN.iter().map(|(name, file, own)| {
        let text = fs::read_to_string(root().join(file))?;
        let text = format!("{text}\n[nats]\n{CONNECTION}");
        let schema = of(&text, own).with_context(|| format!("{file} cannot be understood"))?;
        Ok((*name, schema))
    });
    schemas.collect()
}

/// The schema of what commented defaults allow, without the keys of the chart itself.
fn of(defaults: &str, own: &[&str]) -> Result<Value> {
    let mut sections = Map::new();
    let mut section = String::new();
    let mut comment = Vec::new();
    for line in defaults.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.to_owned();
        } else if let Some((key, value)) = setting(line) {
            let path = format!("{section}.{key}");
            let is_own = own
                .iter()
                .any(|own| path == *own || own.ends_with('.') && path.starts_with(own));
            if !is_own {
                let description = comment.join(" ");
                insert(&mut sections, &path, leaf(value, &description)?)?;
            }
        } else if let Some(words) = line.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        comment.clear();
    }
    Ok(object(sections))
}

/// Key and value of a setting, whether it is commented out or not.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix('#').unwrap_or(line);
    let (key, value) = line.split_once(" = ")?;
    let is_key = key
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_key.then_some((key, value))
}

fn leaf(value: &str, description: &str) -> Result<Value> {
    let mut schema = match value.as_bytes().first() {
        Some(b'"') => json!({ "type": "string" }),
        Some(b'[') => json!({ "type": "array", "items": { "type": "string" } }),
        Some(b't' | b'f') => json!({ "type": "boolean" }),
        Some(b'0'..=b'9' | b'-') => json!({ "type": "integer" }),
        _ => anyhow::bail!("{value} is of no known type"),
    };
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    Ok(schema)
}

/// Puts a schema below the sections of its dotted path.
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
    fn defaults_make_a_schema() {
        let defaults = "[a]\n# How\n# many.\n#many = 5\nname = \"x\"\n[a.b]\nis_it = true\nlist = []\n[a.c]\nd = 1\n";
        let schema = of(defaults, &["a.name", "a.c."]).unwrap();
        let a = &schema["properties"]["a"];
        assert_eq!(a["additionalProperties"], false);
        assert_eq!(
            a["properties"]["many"],
            json!({ "type": "integer", "description": "How many." })
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
