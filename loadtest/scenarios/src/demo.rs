//! The cluster, visible: events from a simulated firehose, as `fanjet tail` receives them from the edge.

use anyhow::{Result, ensure};
use fanjet_tools::programs::{Profile, executable};
use tokio::process::Command;

use crate::cluster::Cluster;
use crate::runtime::block_on;

/// The port that the README names.
const USUAL: &str = "127.0.0.1:6008";

pub(crate) fn run(rate: u32, events: u64) -> Result<()> {
    block_on(show(rate, events))
}

async fn show(rate: u32, events: u64) -> Result<()> {
    println!("building and starting: simulator -> ingest -> nats-server -> edge");
    let usual = [("edge.http.listen", USUAL)];
    let settings = if is_free(USUAL) { &usual[..] } else { &[] };
    let flags = ["--rate", &rate.to_string(), "--start", "now"];
    let mut cluster = Cluster::start(1, Profile::Dev, &flags, settings).await?;
    cluster.start_ingest()?;
    let edge = cluster.edges[0].url()?;
    println!(
        "NATS    {}   (try: nats sub 'atp.commit.app.bsky.feed.>')",
        cluster.nats.url()
    );
    println!("edge    {edge}/subscribe");
    println!("try     websocat '{edge}/subscribe?wantedCollections=app.bsky.feed.post'");
    println!("stop    ctrl-c\n");
    let mut tail = Command::new(executable(Profile::Dev, "fanjet"));
    tail.args(["tail", "--pretty", &edge]);
    if events > 0 {
        tail.args(["--count", &events.to_string()]);
    }
    let mut tail = tail.kill_on_drop(true).spawn()?;
    // The terminal's ctrl-c reaches all processes: the tail ends, and then everything else is stopped in order.
    let status = tokio::select! {
        status = tail.wait() => status?,
        _ = tokio::signal::ctrl_c() => tail.wait().await?,
    };
    ensure!(status.success(), "fanjet tail ended with {status}");
    cluster.stop().await?;
    println!("everything stopped cleanly");
    Ok(())
}

fn is_free(address: &str) -> bool {
    std::net::TcpListener::bind(address).is_ok()
}
