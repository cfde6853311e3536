//! The Kafka process: the producer over the log in NATS.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use fanjet_actors::{Clock, SystemClock};
use fanjet_boot::{Failure, Process};
use fanjet_config::{EXIT_CONFIG, Flags, fail, process_env};
use fanjet_kafka::atkafka::{AtKafkaFlags, Upstream, settings};
use fanjet_kafka::{Kafka, KafkaSettings};
use fanjet_log_nats::{NatsBookmarks, NatsLog};
use fanjet_output::say;

/// Produces the log in NATS JetStream to Kafka. Takes at-kafka's flags and environment variables.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
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

fn main() -> ExitCode {
    let Cli {
        mut flags,
        atkafka,
        command,
    } = Cli::parse();
    match command {
        None
        | Some(Command::Firehose {
            source: Source::Relay,
        }) => {}
        Some(
            Command::Firehose {
                source: Source::Tap(_),
            }
            | Command::OzoneEvents(_),
        ) => {
            let what = "only at-kafka's relay mode is served here: keep at-kafka for Tap and Ozone";
            return fail(what, EXIT_CONFIG);
        }
    }
    match settings(&atkafka, &process_env(), Upstream::Elsewhere) {
        // What --set says comes last, and so wins.
        Ok(given) => drop(flags.set.splice(0..0, given)),
        Err(error) => return fail(error, EXIT_CONFIG),
    }
    fanjet_boot::run(&flags, produce)
}

async fn produce(settings: KafkaSettings, process: &mut Process) -> Result<(), Failure> {
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
