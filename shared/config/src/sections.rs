//! One environment may serve all roles: what is there for others is no mistake.

/// The sections of all roles' settings.
pub const SECTIONS: [&str; 21] = [
    "upstream",
    "filter",
    "pipeline",
    "lease",
    "freshness",
    "http",
    "tail",
    "replay",
    "hub",
    "subscriber",
    "limits",
    "zstd",
    "drain",
    "status",
    "kafka",
    "log",
    "embedded",
    "nats",
    "ops",
    "otlp",
    "telemetry",
];

/// Whether this variable of ours, without its prefix, is a setting of another role than the one with these sections.
pub(crate) fn is_of_another_role(name: &str, own: &[String]) -> bool {
    let Some((section, _)) = name.split_once("__") else {
        return false;
    };
    let section = section.to_ascii_lowercase();
    SECTIONS.contains(&section.as_str()) && !own.contains(&section)
}
