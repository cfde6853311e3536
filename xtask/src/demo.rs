//! The main job, visible: events from a simulated firehose, as a client of the edge receives them.

mod pretty;

use std::time::Duration;

use anyhow::Result;
use fanjet_testkit::JetstreamClient;

use crate::cluster::{Cluster, Profile};
use crate::shell::block_on;

/// How long a demo waits for its first event.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(rate: u32, events: u64) -> Result<()> {
    block_on(show(rate, events))
}

async fn show(rate: u32, events: u64) -> Result<()> {
    println!("building and starting: simulator -> ingest -> nats-server -> edge");
    let mut cluster = Cluster::start(
        Profile::Dev,
        &["--rate", &rate.to_string(), "--start", "now"],
        &[("http.listen", edge_address())],
    )
    .await?;
    let mut client = JetstreamClient::connect(cluster.edge_url(), &[])
        .await?
        .with_deadline(PATIENCE);
    cluster.start_ingest()?;
    println!(
        "NATS    {}   (try: nats sub 'atp.commit.app.bsky.feed.>')",
        cluster.nats.url()
    );
    println!("edge    {}/subscribe", cluster.edge_url());
    println!(
        "try     websocat '{}/subscribe?wantedCollections=app.bsky.feed.post'",
        cluster.edge_url()
    );
    println!("stop    ctrl-c\n");
    let mut shown = 0;
    while events == 0 || shown < events {
        let event = tokio::select! {
            event = client.next_event() => event?,
            _ = tokio::signal::ctrl_c() => break,
        };
        println!("{}", pretty::line(&event)?);
        shown += 1;
    }
    client.close().await?;
    cluster.stop().await?;
    println!("\n{shown} events; everything stopped cleanly");
    Ok(())
}

/// The port that the README names, when nobody else has it.
fn edge_address() -> &'static str {
    const USUAL: &str = "127.0.0.1:6008";
    match std::net::TcpListener::bind(USUAL) {
        Ok(_free_again) => USUAL,
        Err(_) => "127.0.0.1:0",
    }
}
