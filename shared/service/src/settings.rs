//! The settings that every process has.

use fanjet_config::Role;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

/// All settings of one process.
pub trait Settings: Role {
    /// The service name in telemetry.
    const NAME: &'static str;

    /// Section `[telemetry]`.
    fn telemetry(&self) -> &TelemetryConfig;

    /// Section `[otlp]`, if the process has one.
    fn otlp(&self) -> Option<&OtlpConfig> {
        None
    }

    /// Section `[ops]`, if the process has one.
    fn ops(&self) -> Option<&OpsConfig> {
        None
    }
}
