//! The Kafka role: its command line, which is at-kafka's too, and the producer over the log in NATS.

#[cfg(feature = "client")]
use std::sync::Arc;

use clap::Subcommand;
use fanjet_config::Flags;
#[cfg(feature = "client")]
use fanjet_log_nats::{NatsBookmarks, NatsLog};
#[cfg(feature = "client")]
use fanjet_output::say;
#[cfg(feature = "client")]
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::Failure;
#[cfg(feature = "client")]
use fanjet_service::Process;

use crate::atkafka::{AtKafkaFlags, Upstream, settings};
#[cfg(feature = "client")]
use crate::{Kafka, KafkaSettings};

/// The arguments of the role.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    atkafka: AtKafkaFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

/// at-kafka's commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// As at-kafka is called; may be left out
    Firehose {
        #[command(subcommand)]
        source: Source,
    },
    /// Not served here
    #[command(hide = true)]
    OzoneEvents(Rest),
}

#[derive(Debug, Subcommand)]
enum Source {
    /// Produces the events of a relay.
    Relay,
    /// Not served here
    #[command(hide = true)]
    Tap(Rest),
}

#[derive(Debug, clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    all: Vec<String>,
}

impl Args {
    /// All given settings; `--set` is last, and so wins.
    ///
    /// # Errors
    /// An at-kafka mode that is not supported here, or an invalid variable or value.
    pub fn into_flags(self, env: &[(String, String)]) -> Result<Flags, Failure> {
        if !matches!(
            self.command,
            None | Some(Command::Firehose {
                source: Source::Relay
            })
        ) {
            return Err(Failure::config(
                "only at-kafka's relay mode is supported here; keep at-kafka for Tap and Ozone",
            ));
        }
        let given = settings(&self.atkafka, env, Upstream::Elsewhere)?;
        let mut flags = self.flags;
        flags.set.splice(0..0, given);
        Ok(flags)
    }
}

/// Produces until it is stopped.
///
/// # Errors
/// Why it cannot continue.
#[cfg(feature = "client")]
pub async fn produce(settings: KafkaSettings, process: &mut Process) -> Result<(), Failure> {
    // Before waiting for the log, so that an invalid setting is reported at once.
    settings.kafka.validate()?;
    let connecting = NatsLog::connect_patiently(settings.nats.clone(), || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    let bookmarks = NatsBookmarks::of(&log).await?;
    let kafka = Kafka::new(
        settings.kafka,
        process.host(),
        Arc::new(log),
        Arc::new(bookmarks),
        Arc::new(SystemClock),
        &process.meter("fanjet-kafka"),
    )?;
    process.serve_ops(&settings.ops, kafka.health())?;
    say("producing");
    Ok(kafka.run(process.stop()).await?)
}
