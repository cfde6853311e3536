//! `fanjet prepare`: creates what a cluster keeps in NATS, or updates its limits.

use std::process::ExitCode;

use fanjet_config::{Flags, Role, role};
use fanjet_log::{LabelsConfig, RawConfig};
use fanjet_log_nats::{NatsConfig, prepare_patiently};
use fanjet_output::say;
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process, Settings};
use fanjet_telemetry::TelemetryConfig;

use crate::serve::ServeSettings;

/// Arguments of `fanjet prepare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    flags: Flags,
}

role! {
    /// The sections that describe streams and buckets in NATS.
    pub struct PrepareSettings {
        nats: NatsConfig,
        raw: RawConfig,
        labels: LabelsConfig,
        telemetry: TelemetryConfig,
    }
}

impl Settings for PrepareSettings {
    const NAME: &'static str = "fanjet-prepare";

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}

/// Prepares NATS and exits.
pub fn main(args: Args) -> ExitCode {
    fanjet_service::run(ServeSettings::FRAGMENTS, &args.flags, prepare)
}

async fn prepare(settings: PrepareSettings, process: &mut Process) -> Result<(), Failure> {
    prepare_log(&settings.nats, process).await?;
    if settings.raw.enabled {
        prepare_log(&settings.nats.of_frames(&settings.raw), process).await?;
    }
    if settings.labels.is_wanted() {
        prepare_log(&settings.nats.of_labels(&settings.labels), process).await?;
    }
    Ok(())
}

async fn prepare_log(nats: &NatsConfig, process: &Process) -> Result<(), Failure> {
    let now_us = || SystemClock.now_us();
    let preparing = prepare_patiently(nats, now_us);
    let Some(prepared) = process.unless_stopped(preparing).await else {
        return Err(Failure::other(
            "stopped before all streams and buckets were ready",
        ));
    };
    let prepared = prepared?;
    for stream in &prepared.streams {
        let has_changed = prepared.changed.contains(stream);
        let what = if has_changed { "changed" } else { "as wanted" };
        say(format_args!("{stream}: {what}"));
    }
    Ok(())
}
