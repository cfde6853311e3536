//! Maps at-kafka's flags and environment variables to Fanjet settings. Pure: the environment is an argument.

use crate::KafkaError;

/// The flags of `atkafka firehose relay`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "As at-kafka")]
pub struct AtKafkaFlags {
    /// ATKAFKA_BOOTSTRAP_SERVERS: brokers, HOST:PORT with commas between them
    #[arg(long, global = true, value_name = "LIST")]
    bootstrap_servers: Vec<String>,
    /// ATKAFKA_OUTPUT_TOPIC: the topic for events
    #[arg(long, global = true, value_name = "TOPIC")]
    output_topic: Option<String>,
    /// ATKAFKA_RELAY_HOST: the relay to read; in a cluster, ingest reads it
    #[arg(long, global = true, value_name = "URL")]
    relay_host: Option<String>,
    /// ATKAFKA_OSPREY_COMPATIBLE: wrap events for Osprey
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    osprey_compatible: Option<String>,
    /// ATKAFKA_PLC_HOST: the source of DID documents
    #[arg(long, global = true, value_name = "URL")]
    plc_host: Option<String>,
    /// ATKAFKA_API_HOST: the source of profiles
    #[arg(long, global = true, value_name = "URL")]
    api_host: Option<String>,
    /// ATKAFKA_WATCHED_SERVICES: only accounts on these hosts; *.bsky.network is allowed
    #[arg(long, global = true, value_name = "LIST")]
    watched_services: Vec<String>,
    /// ATKAFKA_IGNORED_SERVICES: no accounts on these hosts
    #[arg(long, global = true, value_name = "LIST")]
    ignored_services: Vec<String>,
    /// ATKAFKA_WATCHED_COLLECTIONS: only these collections; app.bsky.* is allowed
    #[arg(long, global = true, value_name = "LIST")]
    watched_collections: Vec<String>,
    /// ATKAFKA_IGNORED_COLLECTIONS: none of these collections
    #[arg(long, global = true, value_name = "LIST")]
    ignored_collections: Vec<String>,
    /// ATKAFKA_METRICS_LISTEN_ADDRESS: the address that serves metrics
    #[arg(long, global = true, value_name = "ADDRESS")]
    metrics_listen_address: Option<String>,
    /// ATKAFKA_DEBUG: log more
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    debug: Option<String>,
}

/// How a value is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Unchanged.
    Text,
    /// Go's spellings of true and false.
    Bool,
    /// An address whose host may be missing.
    Address,
    /// True increases the log level.
    Debug,
}

/// One switch: its variable after `ATKAFKA_`, our setting, and how its value is converted.
type Switch = (&'static str, &'static str, Kind);

const SWITCHES: [Switch; 12] = [
    ("BOOTSTRAP_SERVERS", "kafka.bootstrap_servers", Kind::Text),
    ("OUTPUT_TOPIC", "kafka.topic", Kind::Text),
    ("RELAY_HOST", UPSTREAM, Kind::Text),
    ("OSPREY_COMPATIBLE", "kafka.format.osprey", Kind::Bool),
    ("PLC_HOST", "kafka.enrich.plc_host", Kind::Text),
    ("API_HOST", "kafka.enrich.api_host", Kind::Text),
    (
        "WATCHED_SERVICES",
        "kafka.filter.watched_services",
        Kind::Text,
    ),
    (
        "IGNORED_SERVICES",
        "kafka.filter.ignored_services",
        Kind::Text,
    ),
    (
        "WATCHED_COLLECTIONS",
        "kafka.filter.watched_collections",
        Kind::Text,
    ),
    (
        "IGNORED_COLLECTIONS",
        "kafka.filter.ignored_collections",
        Kind::Text,
    ),
    ("METRICS_LISTEN_ADDRESS", "ops.listen", Kind::Address),
    ("DEBUG", "telemetry.log", Kind::Debug),
];

const PREFIX: &str = "ATKAFKA_";
const UPSTREAM: &str = "ingest.upstream.url";

/// at-kafka's variables for its other modes. They have no effect here, nor in its relay mode.
const OTHER_MODES: [&str; 4] = ["TAP_HOST", "TAP_WORKERS", "DISABLE_ACKS", "OZONE_"];

/// Whether the process reads a relay itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// It does.
    Own,
    /// An ingest does.
    Elsewhere,
}

/// The settings, as `KEY=VALUE`, for what was given: variables first, flags after them, so that flags win.
///
/// # Errors
/// [`KafkaError::Config`] for an unknown variable or an invalid value.
pub fn settings(
    flags: &AtKafkaFlags,
    env: &[(String, String)],
    upstream: Upstream,
) -> Result<Vec<String>, KafkaError> {
    let mut settings = Vec::new();
    let mut set = |switch: &Switch, value: &str| -> Result<(), KafkaError> {
        let (name, key, kind) = *switch;
        let is_ours = key != UPSTREAM || upstream == Upstream::Own;
        if let Some(value) = converted(name, kind, value)?.filter(|_| is_ours) {
            settings.push(format!("{key}={value}"));
        }
        Ok(())
    };
    for (variable, value) in env {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if value.is_empty() || OTHER_MODES.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        match SWITCHES.iter().find(|(known, ..)| *known == name) {
            Some(switch) => set(switch, value)?,
            None => return Err(unknown(variable)),
        }
    }
    for (switch, value) in SWITCHES.iter().zip(flags.values()) {
        if let Some(value) = value {
            set(switch, &value)?;
        }
    }
    Ok(settings)
}

impl AtKafkaFlags {
    /// The given values, in the order of [`SWITCHES`].
    fn values(&self) -> [Option<String>; SWITCHES.len()] {
        let list = |words: &Vec<String>| (!words.is_empty()).then(|| words.join(","));
        [
            list(&self.bootstrap_servers),
            self.output_topic.clone(),
            self.relay_host.clone(),
            self.osprey_compatible.clone(),
            self.plc_host.clone(),
            self.api_host.clone(),
            list(&self.watched_services),
            list(&self.ignored_services),
            list(&self.watched_collections),
            list(&self.ignored_collections),
            self.metrics_listen_address.clone(),
            self.debug.clone(),
        ]
    }
}

fn converted(name: &'static str, kind: Kind, value: &str) -> Result<Option<String>, KafkaError> {
    Ok(match kind {
        Kind::Text => Some(value.to_owned()),
        Kind::Bool => Some(boolean(name, value)?.to_string()),
        Kind::Address if value.starts_with(':') => Some(format!("0.0.0.0{value}")),
        Kind::Address => Some(value.to_owned()),
        Kind::Debug => boolean(name, value)?.then(|| "debug".to_owned()),
    })
}

fn boolean(name: &'static str, value: &str) -> Result<bool, KafkaError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => {
            let what = format!("{value:?} is neither true nor false");
            Err(KafkaError::Variable {
                name: format!("{PREFIX}{name}"),
                what,
            })
        }
    }
}

fn unknown(variable: &str) -> KafkaError {
    let known: Vec<_> = SWITCHES
        .iter()
        .map(|(name, ..)| format!("{PREFIX}{name}"))
        .collect();
    KafkaError::Variable {
        name: variable.to_owned(),
        what: format!("unknown; allowed: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests;
