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

/// What the role is told.
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
    /// Events of a relay
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
    /// What was given in any way; `--set` comes last, and so wins.
    ///
    /// # Errors
    /// What at-kafka does and this does not, or a variable or value that means nothing.
    pub fn into_flags(self, env: &[(String, String)]) -> Result<Flags, Failure> {
        if !matches!(
            self.command,
            None | Some(Command::Firehose {
                source: Source::Relay
            })
        ) {
            return Err(Failure::config(
                "only at-kafka's relay mode is served here: keep at-kafka for Tap and Ozone",
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
/// Why it cannot go on.
#[cfg(feature = "client")]
pub async fn produce(settings: KafkaSettings, process: &mut Process) -> Result<(), Failure> {
    // Before the log is waited for, so that a wrong setting is told at once.
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
