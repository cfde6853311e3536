//! What the settings of every process have.

use std::borrow::Cow;

use fanjet_telemetry::{OpsConfig, TelemetryConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All settings of one process.
pub trait Settings: DeserializeOwned + Serialize {
    /// The commented defaults (TOML), which name every key.
    fn defaults() -> Cow<'static, str>;

    /// Section `[telemetry]`.
    fn telemetry(&self) -> &TelemetryConfig;

    /// Section `[ops]`, of a process that has one.
    fn ops(&self) -> Option<&OpsConfig> {
        None
    }
}
