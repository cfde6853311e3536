//! A terminal client for any Jetstream server.
//!
//! [`start`] parses the start, the client crate connects and reconnects, [`screen`] prints, [`session`] runs both.
//! Events go to stdout, everything else to stderr.

mod error;
mod start;
mod screen;
mod session;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use fanjet_client::{Client, Endpoint};
use fanjet_config::fail;
use fanjet_filter::Filter;
use fanjet_runtime::{Clock, OnFailure, Stop, SystemClock, Tasks, stop_on_signal};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use error::TailError;
pub(crate) use screen::Style;
use session::Session;
pub(crate) use session::Wanted;
use start::Start;

/// How long printing may delay the exit: a write to a pipe that is not read blocks forever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Arguments of `fanjet tail`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server: ws:// or wss://, with or without /subscribe
    #[arg(default_value = "ws://localhost:6008/subscribe", value_parser = endpoint)]
    url: Endpoint,
    /// Only commits to this collection, or to all below a prefix such as app.bsky.*; may be repeated
    #[arg(long, value_name = "NSID", value_parser = collection)]
    collection: Vec<String>,
    /// Only events of this repo; may be repeated
    #[arg(long, value_name = "DID", value_parser = did)]
    did: Vec<String>,
    /// Where to start: a time_us, a seq, an age (10m, 2h), or an RFC 3339 time. Default: now
    #[arg(long, value_name = "WHEN")]
    cursor: Option<Start>,
    /// One readable line per event (the default on a terminal)
    #[arg(long, conflicts_with = "raw")]
    pretty: bool,
    /// Show the handles in identity events; they are unverified claims
    #[arg(long, conflicts_with = "raw")]
    handles: bool,
    /// The JSON as received (the default in a pipe); on a terminal, control characters are escaped as \u....
    #[arg(long)]
    raw: bool,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Ask the server to compress events with zstd and Jetstream's dictionary
    #[arg(long)]
    zstd: bool,
    /// Read Jetstream v2 (network.bsky.jetstream.subscribeEvents) instead of /subscribe
    #[arg(long, conflicts_with = "zstd")]
    v2: bool,
}

/// Prints events until it is stopped.
pub fn main(args: Args) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn run(args: Args) -> Result<(), TailError> {
    let style = match (args.pretty, args.raw, std::io::stdout().is_terminal()) {
        (true, ..) | (false, false, true) => Style::Pretty {
            handles: args.handles,
        },
        (false, true, true) => Style::Escaped,
        (false, _, false) => Style::Raw,
    };
    let now_us = SystemClock.now_us();
    let cursor = args.cursor.map(|start| start.cursor(now_us)).transpose()?;
    let filter = fanjet_client::Filter::default();
    let filter = args
        .collection
        .iter()
        .fold(filter, fanjet_client::Filter::collection);
    let filter = args.did.iter().fold(filter, fanjet_client::Filter::did);
    let mut client = Client::new(args.url.clone())
        .filter(filter)
        .compressed(args.zstd)
        .v2(args.v2);
    if let Some(cursor) = cursor {
        client = client.starting_at(cursor);
    }
    let wanted = Wanted {
        endpoint: match args.v2 {
            true => args.url.of_v2(),
            false => args.url,
        },
        client,
        count: args.count,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(until_stopped(wanted, style));
    runtime.shutdown_background();
    outcome
}

async fn until_stopped(wanted: Wanted, style: Style) -> Result<(), TailError> {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    tasks.spawn("signals", OnFailure::Log, stop_on_signal(stop.clone()));
    print(wanted, style, &stop).await
}

/// Prints until the session ends, or until shortly after `stop`. A write to a pipe that is not read blocks its thread forever, so the
/// session has a thread that no other task needs.
pub(crate) async fn print(wanted: Wanted, style: Style, stop: &Stop) -> Result<(), TailError> {
    let (runtime, stop_of_session) = (Handle::current(), stop.clone());
    let session = spawn_blocking(move || {
        runtime.block_on(async {
            let session = Session::new(wanted, style, SystemClock);
            session.run(&stop_of_session).await
        })
    });
    let stuck = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        outcome = session => outcome.unwrap_or(Err(TailError::Panicked)),
        () = stuck => Ok(()),
    }
}

/// The cursor and the compression have their own flags.
fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse()
        .map_err(|error: String| format!("{error} (see --cursor and --zstd)"))
}

fn collection(text: &str) -> Result<String, String> {
    Filter::new([text], [], 0).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn did(text: &str) -> Result<String, String> {
    Filter::new([], [text], 0).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}
