//! The Kafka process: the producer over the log in NATS.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fanjet_actors::SystemClock;
use fanjet_boot::{Failure, Process, say};
use fanjet_config::Flags;
use fanjet_kafka::{Kafka, KafkaSettings};
use fanjet_log_nats::NatsLog;

/// Produces the log in NATS JetStream to Kafka.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    fanjet_boot::run(&Cli::parse().flags, produce)
}

async fn produce(settings: KafkaSettings, process: &mut Process) -> Result<(), Failure> {
    // Before the log is waited for, so that a wrong setting is told at once.
    settings.kafka.validate()?;
    let connecting = NatsLog::connect_patiently(settings.nats.clone());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let kafka = Kafka::new(
        settings.kafka,
        process.host(),
        Arc::new(log?),
        Arc::new(SystemClock),
        &process.meter("fanjet-kafka"),
    )?;
    process.serve_ops(&settings.ops, kafka.health())?;
    say("producing")?;
    Ok(kafka.run(process.stop()).await?)
}
