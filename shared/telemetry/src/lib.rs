//! What an operator sees: logs, metrics, traces, health.
//!
//! Services get a meter and report their health as arguments; nothing here knows what they measure. Metric labels are
//! closed sets: never an address, a DID or a user agent.

mod config;

mod logs;
mod otlp;
mod metrics;
mod traces;
mod health;
mod ops;

pub use config::{LogFormat, OpsConfig, OtlpConfig, TelemetryConfig};
pub use health::{Health, HealthReport};
pub use logs::{LogError, init_logs};
pub use metrics::{Metrics, MetricsError, observe_by_kind};
pub use ops::{OpsError, OpsServer};
pub use otlp::{Otlp, OtlpError};
pub use traces::{Traces, span_time};
