//! What the settings of every process have.

use fanjet_config::Role;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

/// All settings of one process.
pub trait Settings: Role {
    /// What the process is called where telemetry of many is collected.
    const NAME: &'static str;

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
