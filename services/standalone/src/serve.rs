//! Ingest and edge over one log, in one process.

mod settings;
mod open_log;
mod node;

use std::net::SocketAddr;
use std::process::ExitCode;

use fanjet_boot::{Failure, Process, say};
use fanjet_config::Flags;

pub(crate) use node::Node;
pub(crate) use settings::ServeSettings;
pub(crate) use open_log::open_log;

/// What `fanjet serve` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn main(args: Args) -> ExitCode {
    fanjet_boot::run(&args.flags, serve)
}

async fn serve(settings: ServeSettings, process: &mut Process) -> Result<(), Failure> {
    settings.validate()?;
    let Some(log) = open_log(&settings, process).await else {
        return Ok(());
    };
    let node = Node::start(&settings, log?, process)?;
    say(format_args!("upstream {}", settings.upstream.url))?;
    say(format_args!("data {}", settings.data()))?;
    say(format_args!("try {}", tail_command(node.addr())))?;
    node.run(process.stop()).await
}

/// A command that shows what is served, on this machine.
fn tail_command(served: SocketAddr) -> String {
    let url = match (served.ip().is_unspecified() || served.ip().is_loopback(), served.port()) {
        (true, 6008) => String::new(),
        (true, port) => format!(" ws://localhost:{port}"),
        _ => format!(" ws://{served}"),
    };
    format!("fanjet tail{url} --collection app.bsky.feed.post")
}
