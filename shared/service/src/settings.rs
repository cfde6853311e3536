//! What the settings of every process have.

use std::borrow::Cow;
use std::time::Duration;

use fanjet_config::Range;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The ranges of the sections that belong to processes, not to what they do.
pub const PROCESS_RANGES: [Range; 1] = [Range::time(
    "otlp.metrics_interval",
    Duration::from_millis(1),
    Duration::from_hours(24),
)
.or_zero("they are only scraped")];

/// All settings of one process.
pub trait Settings: DeserializeOwned + Serialize {
    /// What the process is called where telemetry of many is collected.
    const NAME: &'static str;

    /// The commented defaults (TOML), which name every key.
    fn defaults() -> Cow<'static, str>;

    /// What every number and every time may be: of each section the ranges that its crate states.
    fn ranges() -> impl Iterator<Item = Range>;

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
