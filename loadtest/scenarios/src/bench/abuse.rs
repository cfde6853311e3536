//! Hostile clients beside a hundred honest subscribers: these must not notice, and every rejection is counted.

mod peer;
mod attack;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::cases::Case;
use super::options::{Options, Side};
use super::report::{Document, Target};
use super::round::Rounds;
use super::table::{Table, figure};
use super::testbed::Testbed;
use crate::service::Service;
use attack::Attack;

/// An operator's settings, except for limits that a short run on a loopback would not reach: the rate of replays, and a
/// history beyond the node's memory.
const LIMITS: [(&str, &str); 5] = [
    ("edge.tail.ring_bytes", "4000000"),
    ("edge.http.max_subscribers_per_address", "1000"),
    ("edge.http.max_connections_per_address", "2000"),
    ("edge.http.handshake_timeout", "3s"),
    ("edge.limits.max_replay_bytes_per_second", "20000000"),
];
const HONEST: u64 = 100;
const RATE: f64 = 500.0;
/// Allowed p99 latency during an attack.
const BOUND_MS: f64 = 100.0;
/// Allowed growth of memory: `edge.limits.max_inbound_bytes` (64 MiB) in buffers that double as they grow, plus the
/// longest message while it is read.
const GROWTH_MIB: f64 = 256.0;
const POLL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every attack in turn.
pub(super) async fn abuse(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &LIMITS).await?;
    testbed.flow(options.rate.unwrap_or(RATE), options).await?;
    let address = testbed.edges[0].address()?.parse();
    let address = address.context("the edge has no address")?;
    let once = Options {
        repeats: 1,
        ..options.clone()
    };
    let sample = options.subscribers.unwrap_or(HONEST).to_string();
    let honest =
        |name: &str| Case::new(name, HONEST, "a=1,b=1", options).with(&["--sample", &sample]);
    let mut table = Table::new(&[
        "",
        "attempts",
        "refused as",
        "times",
        "p50 ms",
        "p99 ms",
        "max ms",
        "MiB",
        "MiB after",
        "",
    ]);
    let sides = [Side::Ours(0)];
    let calm = honest("calm")
        .measure(&once, &testbed, &sides, document)
        .await?;
    let before = testbed.memory(&Side::Ours(0))?;
    table.row(row(
        "calm",
        ["-".to_owned(), "-".to_owned(), "-".to_owned()],
        &calm,
        before,
    ));
    let mut names = vec!["calm"];
    for attack in Attack::ALL {
        let edge = &testbed.edges[0];
        let counted_before = counted(edge, attack).await?;
        let (attacks, until) = watch::channel(true);
        let mut attackers = JoinSet::new();
        attackers.spawn(attack.run(address, until));
        let rounds = honest(attack.name())
            .measure(&once, &testbed, &sides, document)
            .await?;
        attacks.send_replace(false);
        let attempts = attackers
            .join_next()
            .await
            .context("no attacker finished")??;
        let [refused, times] = match attack.refusal() {
            None => ["-".to_owned(), "-".to_owned()],
            Some((metric, label)) => {
                let times = refusals(edge, attack, counted_before).await?;
                ensure!(
                    times > 0.0,
                    "{}: {metric}{{{label}}} did not rise in {attempts} attempts",
                    attack.name()
                );
                [format!("{metric} {label}"), figure(times)]
            }
        };
        let after = testbed.memory(&Side::Ours(0))?;
        table.row(row(
            attack.name(),
            [figure(attempts as f64), refused, times],
            &rounds,
            after,
        ));
        let p99 = rounds.median(|it| it.latency(99.0));
        let name = format!("{}: p99 of honest subscribers, ms", attack.name());
        document.target(Target::at_most(&name, BOUND_MS, p99), &rounds);
        let name = format!("{}: MiB above calm", attack.name());
        document.target(Target::at_most(&name, GROWTH_MIB, after - before), &rounds);
        names.push(attack.name());
    }
    document.table("Attacks beside 100 honest subscribers", &table);
    document.checks("Streams of honest subscribers", &names);
    Ok(())
}

/// What was refused since then; waits for the first, since some are noticed late.
async fn refusals(edge: &Service, attack: Attack, before: f64) -> Result<f64> {
    let started = Instant::now();
    loop {
        let times = counted(edge, attack).await? - before;
        if times > 0.0 || started.elapsed() >= PATIENCE {
            return Ok(times);
        }
        sleep(POLL).await;
    }
}

async fn counted(edge: &Service, attack: Attack) -> Result<f64> {
    match attack.refusal() {
        None => Ok(0.0),
        Some((metric, label)) => edge.metric(metric, label).await,
    }
}

fn row(
    name: &str,
    [attempts, refused, times]: [String; 3],
    rounds: &Rounds,
    after: f64,
) -> [String; 10] {
    [
        name.to_owned(),
        attempts,
        refused,
        times,
        figure(rounds.median(|it| it.latency(50.0))),
        figure(rounds.median(|it| it.latency(99.0))),
        figure(rounds.median(|it| it.latency(100.0))),
        figure(rounds.median(|it| it.memory)),
        figure(after),
        rounds.remark(),
    ]
}
