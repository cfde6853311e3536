//! `fanjet serve`: ingest and edge over one log in one process, and a Kafka producer if the settings name its brokers.

mod settings;
mod open_log;
mod raw_log;
mod producer;
mod labelers;
mod node;

use std::net::SocketAddr;
use std::process::ExitCode;

use fanjet_config::{EXIT_CONFIG, Flags, Role, fail, process_env};
use fanjet_kafka::KafkaError;
use fanjet_kafka::atkafka::{AtKafkaFlags, Upstream, settings};
use fanjet_log::EventLog;
use fanjet_output::say;
use fanjet_service::{Failure, Process};

pub(crate) use node::Node;
pub(crate) use open_log::open_log;
use settings::LogKind;
pub use settings::ServeSettings;

/// Arguments of `fanjet serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The relay or PDS to read; short for --set ingest.upstream.url=URL
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The folder for the events; short for --set embedded.path=DIR
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Also keep the frames as they were received; short for --set raw.enabled=true. Takes ten times the disk
    #[arg(long)]
    raw: bool,
    /// Where clients connect; short for --set edge.http.listen=ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serve clients over TLS with this certificate (PEM); short for --set edge.http.tls_certificate=FILE
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,
    /// The certificate's key (PEM); short for --set edge.http.tls_key=FILE
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,
    /// Also produce to these Kafka brokers; short for --set kafka.bootstrap_servers=LIST. Needs --output-topic
    #[arg(long, value_name = "LIST")]
    kafka: Option<String>,
    #[command(flatten)]
    atkafka: AtKafkaFlags,
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    /// All settings from the command line. Short flags win over `--set`.
    fn into_flags(self, env: &[(String, String)]) -> Result<Flags, KafkaError> {
        let given = settings(&self.atkafka, env, Upstream::Own)?;
        let short = [
            ("ingest.upstream.url", self.upstream),
            ("embedded.path", self.data),
            ("raw.enabled", self.raw.then(|| "true".to_owned())),
            ("edge.http.listen", self.listen),
            ("edge.http.tls_certificate", self.tls_certificate),
            ("edge.http.tls_key", self.tls_key),
            ("kafka.bootstrap_servers", self.kafka),
        ];
        let mut flags = self.flags;
        flags.set.splice(0..0, given);
        let short = short
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", value?)));
        flags.set.extend(short);
        Ok(flags)
    }
}

/// Serves until it is stopped.
pub fn main(args: Args) -> ExitCode {
    match args.into_flags(&process_env()) {
        Ok(flags) => fanjet_service::run(ServeSettings::FRAGMENTS, &flags, serve),
        Err(error) => fail(error, EXIT_CONFIG),
    }
}

async fn serve(settings: ServeSettings, process: &mut Process) -> Result<(), Failure> {
    settings.validate()?;
    let Some(opened) = open_log(&settings, process).await else {
        return Ok(());
    };
    let opened = opened?;
    say(format_args!("upstream {}", settings.ingest.upstream.url));
    say(format_args!(
        "data {}",
        data(&settings, &*opened.logs.ingest).await?
    ));
    let node = Node::start(&settings, opened, process)?;
    let is_encrypted = settings.edge.http.is_encrypted();
    say(format_args!(
        "try {}",
        tail_command(node.addr(), is_encrypted)
    ));
    node.run(process.stop()).await
}

/// Where the events are kept, and which ones exist already.
async fn data(settings: &ServeSettings, log: &dyn EventLog) -> Result<String, Failure> {
    let place = match settings.log.kind {
        LogKind::Embedded => settings.embedded.path.display().to_string(),
        LogKind::Nats => format!("NATS stream {}", settings.nats.stream.name),
    };
    let bounds = log.bounds().await?;
    Ok(if bounds.is_empty() {
        format!("{place} (empty)")
    } else {
        format!("{place} (seq {} to {})", bounds.first, bounds.last)
    })
}

/// A command that prints the served events on this machine. It has the name under which this program was started.
pub(crate) fn tail_command(served: SocketAddr, is_encrypted: bool) -> String {
    let program = std::env::args_os().next();
    let program = program.as_deref().unwrap_or("fanjet".as_ref()).display();
    let is_here = served.ip().is_unspecified() || served.ip().is_loopback();
    let scheme = if is_encrypted { "wss" } else { "ws" };
    let url = match served.port() {
        6008 if is_here && !is_encrypted => String::new(),
        port if is_here => format!(" {scheme}://localhost:{port}"),
        _ => format!(" {scheme}://{served}"),
    };
    format!("{program} tail{url} --collection app.bsky.feed.post")
}
