//! `fanjet demo`: `fanjet serve` with a simulated firehose in front of it. Needs no network and keeps nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use fanjet_client::{Client, Endpoint};
use fanjet_config::{ConfigError, Flags, Role, Sources, fail, load};
use fanjet_output::say;
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process, run_with};
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, Source, WorldConfig};

use crate::serve::{Node, ServeSettings, open_log, tail_command};
use crate::tail::{Style, Wanted, print};

/// Enough to try it, and within the usual limit on open files, so that a demo never warns about it.
const MAX_SUBSCRIBERS: usize = 100;

/// Arguments of `fanjet demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Frames per second of the simulated firehose
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Exit after this many events (default: on ctrl-c)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,
}

/// Prints events until it is stopped.
pub fn main(args: Args) -> ExitCode {
    let data = match tempfile::tempdir() {
        Ok(data) => data,
        Err(error) => {
            return fail(
                format_args!("failed to create a folder for the log: {error}"),
                1,
            );
        }
    };
    match settings(data.path()) {
        Ok(settings) => run_with(settings, async |settings, process| {
            show(&args, settings, process).await
        }),
        Err(error) => fail(error, 1),
    }
}

async fn show(
    args: &Args,
    mut settings: ServeSettings,
    process: &mut Process,
) -> Result<(), Failure> {
    say("creating a small world of accounts and signed records ...");
    let Some(simulator) = process
        .unless_stopped(Simulator::start(world(args.rate)))
        .await
    else {
        return Ok(());
    };
    let simulator = simulator.map_err(Failure::other)?;
    settings.ingest.upstream.url = simulator.url();
    let Some(opened) = open_log(&settings, process).await else {
        return Ok(());
    };
    let node = Node::start(&settings, opened?, process)?;
    let url = format!("ws://{}", node.addr());
    say(format_args!(
        "upstream {} (simulated, {} frames/s)",
        simulator.url(),
        args.rate
    ));
    for line in first_screen(node.addr()) {
        say(line);
    }
    let stop = process.stop();
    let endpoint = url.parse::<Endpoint>().map_err(Failure::other)?;
    let wanted = Wanted {
        client: Client::new(endpoint.clone()),
        endpoint,
        count: args.events,
    };
    let printed = async {
        let outcome = print(wanted, Style::Pretty { handles: false }, &stop).await;
        stop.cancel();
        outcome
    };
    let (served, printed) = tokio::join!(Box::pin(node.run(stop.clone())), Box::pin(printed));
    simulator.shutdown().await.map_err(Failure::other)?;
    served?;
    printed.map_err(Failure::other)
}

/// What to try next, one item per line.
fn first_screen(served: SocketAddr) -> [String; 7] {
    [
        format!("try {}", tail_command(served, false)),
        format!("try curl -N 'http://{served}/events?wantedCollections=app.bsky.feed.post'"),
        format!("try any Jetstream client with ws://{served}/subscribe"),
        format!("see http://{served}/ for live numbers"),
        "next fanjet serve reads the live network; fanjet demo --rate 1000 is a busier simulation"
            .to_owned(),
        "stop ctrl-c".to_owned(),
        String::new(),
    ]
}

/// The defaults, except that only this machine can connect, ports are free ones, and only warnings are logged.
fn settings(data: &Path) -> Result<ServeSettings, ConfigError> {
    let set = [
        ("embedded.path", data.display().to_string()),
        ("edge.http.listen", edge_address().to_owned()),
        ("ops.listen", "127.0.0.1:0".to_owned()),
        ("edge.http.max_subscribers", MAX_SUBSCRIBERS.to_string()),
        ("telemetry.log", "warn".to_owned()),
    ];
    let flags = Flags {
        set: set.map(|(key, value)| format!("{key}={value}")).to_vec(),
        ..Flags::default()
    };
    load(Sources {
        tree: ServeSettings::FRAGMENTS,
        env: &[],
        flags: &flags,
    })
}

/// The port in the README, or any port if that one is in use.
fn edge_address() -> &'static str {
    const DEFAULT: &str = "127.0.0.1:6008";
    match std::net::TcpListener::bind(DEFAULT) {
        Ok(_closed_at_once) => DEFAULT,
        Err(_) => "127.0.0.1:0",
    }
}

/// A small world, which even a build without optimization creates at once.
fn world(rate: u32) -> SimulatorConfig {
    SimulatorConfig {
        source: Source::World(WorldConfig {
            accounts: 100,
            records_per_repo: 20,
            start_us: SystemClock.now_us(),
            step_us: 1_000_000 / u64::from(rate),
            ..WorldConfig::default()
        }),
        rate: Rate::PerSecond(rate.into()),
        wait_for_client: true,
        history_frames: 10_000,
        keep_expected: false,
        ..SimulatorConfig::default()
    }
}
