//! k6's subscribers (`loadtest/k6`) against a cluster behind a real HAProxy, or against any Jetstream server.
//!
//! `rolling` restarts every edge, one after the other, while the subscribers reconnect with their cursors; at the end
//! each of them must have got as many events as were published.

mod tool;

mod balancer;
mod testbed;

mod expected_counts;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_tools::programs::Profile;
use fanjet_tools::shell::root;
use serde_json::Value;
use tokio::time::sleep;

use crate::publication::Publication;
use crate::runtime::block_on;
use expected_counts::ExpectedCounts;
use testbed::Testbed;

/// Arguments.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[arg(value_enum)]
    scenario: Scenario,
    /// Another server: ws:// or wss://, host and path; no cluster is started then
    #[arg(long)]
    url: Option<String>,
    /// Number of subscribers
    #[arg(long, default_value_t = 100)]
    subscribers: u32,
    /// Seconds that they stay
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Frames per second; a frame is 1.1 events
    #[arg(long, default_value_t = 300)]
    rate: u32,
    /// The largest 99th percentile of the delivery lag, in milliseconds: more on a busy machine
    #[arg(long, default_value_t = 1000)]
    max_lag: u32,
    /// Build the programs without optimizations
    #[arg(long)]
    dev: bool,
}

/// What the subscribers do; see `loadtest/k6/main.js`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    /// One with each kind of filter
    Smoke,
    /// They connect one after the other, and stay
    Steady,
    /// All disconnect and reconnect at once, again and again
    Storm,
    /// All start in the past, and catch up
    Replay,
    /// All stay while every edge is restarted
    Rolling,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Steady => "steady",
            Self::Storm => "storm",
            Self::Replay => "replay",
            Self::Rolling => "rolling",
        }
    }
}

/// How long before the end of a rolling run the last event is sent: all subscribers can receive it by then.
const SETTLING: Duration = Duration::from_secs(15);
/// How long subscribers have to connect before the first edge is restarted, and to reconnect before the next.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &Args) -> Result<()> {
    let k6 = tool::k6()?;
    block_on(async {
        match (&args.url, args.scenario) {
            (Some(_), Scenario::Rolling) => {
                bail!("rolling restarts a cluster of its own (allowed with --url: the others)")
            }
            (Some(url), _) => subscribers(&k6, args, url, None).await.map(drop),
            (None, Scenario::Rolling) => rolling(&k6, args).await,
            (None, _) => steady(&k6, args).await,
        }
    })
}

async fn steady(k6: &Path, args: &Args) -> Result<()> {
    let flags = ["--rate", &args.rate.to_string(), "--start", "now"];
    let testbed = Testbed::start(Profile::of(args.dev), &flags).await?;
    if args.scenario == Scenario::Replay {
        println!("filling the log");
        sleep(Duration::from_secs(args.seconds)).await;
    }
    let url = testbed.url();
    subscribers(k6, args, &url, None).await?;
    testbed.stop().await
}

async fn rolling(k6: &Path, args: &Args) -> Result<()> {
    let flowing = Duration::from_secs(args.seconds).checked_sub(SETTLING);
    let flowing = flowing.with_context(|| format!("--seconds: must be more than {SETTLING:?}"))?;
    let frames = u64::from(args.rate) * flowing.as_secs();
    let published = Publication::new(args.rate, frames)?;
    let mut testbed = Testbed::start(Profile::of(args.dev), published.flags()).await?;
    let (url, edges) = (testbed.url(), testbed.edges());
    let summary = published.folder().join("summary.json");
    let mut running = std::pin::pin!(subscribers(k6, args, &url, Some(&summary)));
    let restarts = async {
        for edge in 0..edges {
            sleep(BETWEEN_RESTARTS).await;
            testbed.restart(edge).await?;
            println!("edge {edge} was restarted");
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = &mut running => {
            ended?;
            bail!("the subscribers ended before every edge was restarted (--seconds: {})", args.seconds)
        }
        restarted = restarts => restarted?,
    }
    running.await?;
    let expected = ExpectedCounts::read(&published.file())?;
    let summary: Value = serde_json::from_slice(&std::fs::read(&summary)?)?;
    let returned = summary["reconnects"].as_u64().unwrap_or_default();
    // Otherwise nothing was proven: each subscriber was on some edge.
    ensure!(
        returned >= u64::from(args.subscribers),
        "only {returned} of {} subscribers were moved",
        args.subscribers
    );
    expected.judge(&summary)?;
    println!("{edges} edges restarted, {returned} returns: {expected}");
    testbed.stop().await
}

/// Runs k6 to its end. Fails when a threshold does not hold.
async fn subscribers(k6: &Path, args: &Args, url: &str, summary: Option<&Path>) -> Result<()> {
    let mut command = tokio::process::Command::new(k6);
    command.args(["run", "--quiet", "--no-usage-report"]);
    let count = match args.scenario {
        Scenario::Smoke => 4,
        _ => args.subscribers,
    };
    for (name, value) in [
        ("URL", url.to_owned()),
        ("SCENARIO", args.scenario.name().to_owned()),
        ("SUBSCRIBERS", count.to_string()),
        ("DURATION", args.seconds.to_string()),
        ("REWIND", args.seconds.to_string()),
        ("MAX_LAG_MS", args.max_lag.to_string()),
    ] {
        command.args(["-e", &format!("{name}={value}")]);
    }
    if let Some(summary) = summary {
        command.args(["-e", &format!("SUMMARY={}", summary.display())]);
    }
    command.arg(root().join("loadtest/k6/main.js"));
    let status = command.kill_on_drop(true).status().await?;
    ensure!(status.success(), "k6 ended with {status}");
    Ok(())
}
