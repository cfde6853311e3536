//! What the settings of every process have.

use std::borrow::Cow;

use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All settings of one process.
pub trait Settings: DeserializeOwned + Serialize {
    /// What the process is called where telemetry of many is collected.
    const NAME: &'static str;

    /// The commented defaults (TOML), which name every key.
    fn defaults() -> Cow<'static, str>;

    /// Section `[telemetry]`.
    fn telemetry(&self) -> &TelemetryConfig;

    /// Section `[otlp]`, of a process that has one.
    fn otlp(&self) -> Option<&OtlpConfig> {
        None
    }

    /// Section `[ops]`, of a process that has one.
    fn ops(&self) -> Option<&OpsConfig> {
        None
    }
}
