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

/// Implements [`Settings`] for a struct with all three sections: its type, and the service name in telemetry.
#[macro_export]
macro_rules! operated_settings {
    ($settings:ty, $name:literal) => {
        impl $crate::Settings for $settings {
            const NAME: &'static str = $name;

            fn telemetry(&self) -> &::fanjet_telemetry::TelemetryConfig {
                &self.telemetry
            }

            fn otlp(&self) -> ::core::option::Option<&::fanjet_telemetry::OtlpConfig> {
                ::core::option::Option::Some(&self.otlp)
            }

            fn ops(&self) -> ::core::option::Option<&::fanjet_telemetry::OpsConfig> {
                ::core::option::Option::Some(&self.ops)
            }
        }
    };
}
