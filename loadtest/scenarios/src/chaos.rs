//! A whole cluster under load and random faults: at the end its log, and what every client received, equal what the
//! simulator published.
//! simulator -> 2 ingests -> 3 NATS servers -> 2 edges -> clients, all real processes, with a link on every connection.
//! The seed decides which faults happen when, but not how the processes react.
//! In every other run the edges have local tiers, whose folders are damaged too; in two of four runs there are labelers, and two
//! processes that read them.

mod options;
mod plan;
mod tiers;
mod labelers;
mod testbed;
mod inject;
mod client;
mod raw;
mod labels;
mod verdict;
mod outcome;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_oracle::ExpectedEvents;
use fanjet_tools::programs::build;
use fanjet_tools::shell::target;
use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::runtime::block_on;
use crate::stream::Stream;
use crate::whole_log::publication;
use client::{Goal, Habit, Record};
pub(crate) use options::Options;
use outcome::Outcome;
use plan::{Fault, Step};
use testbed::Testbed;

/// For the start, and for catching up after the faults.
const PATIENCE: Duration = Duration::from_secs(120);

/// The clients of a run.
const HABITS: [Habit; 6] = [
    Habit {
        name: "faithful",
        stream: Stream::V1,
        collections: None,
        wanders: false,
        leaves_after: None,
    },
    Habit {
        name: "wanderer",
        stream: Stream::V1,
        collections: None,
        wanders: true,
        leaves_after: None,
    },
    Habit {
        name: "filtered",
        stream: Stream::V1,
        collections: Some("app.bsky.feed.*"),
        wanders: true,
        leaves_after: None,
    },
    Habit {
        name: "restless",
        stream: Stream::V1,
        collections: None,
        wanders: true,
        leaves_after: Some(701),
    },
    Habit {
        name: "v2",
        stream: Stream::V2,
        collections: None,
        wanders: true,
        leaves_after: Some(997),
    },
    Habit {
        name: "v2-zstd",
        stream: Stream::V2Zstd,
        collections: Some("app.bsky.feed.*"),
        wanders: true,
        leaves_after: None,
    },
];

pub(crate) fn run(options: Options) -> Result<()> {
    block_on(chaos(options))
}

async fn chaos(options: Options) -> Result<()> {
    build(options.profile)?;
    let first = options.seed.unwrap_or_else(rand::random);
    let mut total = Outcome::default();
    for index in 0..options.runs {
        let seed = first.wrapping_add(u64::from(index));
        let started = Instant::now();
        let outcome = run_once(&options, seed).await.with_context(|| {
            format!(
                "run {} of {}; to repeat: cargo xtask chaos --runs 1 --seed {seed} --seconds {} --rate {} --every {}",
                index + 1,
                options.runs,
                options.seconds,
                options.rate,
                options.every
            )
        })?;
        println!(
            "run {} of {}, seed {seed}: {} faults fired, {} connections of clients, longest stall {:.1?}, {} ({:.0?})",
            index + 1,
            options.runs,
            outcome.fired.values().sum::<u32>(),
            outcome.connections,
            outcome.longest_stall,
            outcome.verdict,
            started.elapsed()
        );
        total.add(outcome);
    }
    println!("{} runs from seed {first} on", options.runs);
    total.report()
}

async fn run_once(options: &Options, seed: u64) -> Result<Outcome> {
    let every = Duration::from_millis(options.every);
    let has_tiers = tiers::has_tiers(seed);
    let has_labels = labelers::has_labels(seed);
    let kinds = plan::kinds(has_tiers, has_labels);
    let steps = plan::plan(seed, &kinds, options.length(), every);
    let with = |has| if has { "with" } else { "without" };
    println!(
        "seed {seed}, {} local tiers, {} labels",
        with(has_tiers),
        with(has_labels)
    );
    for step in &steps {
        println!("  {step}");
    }
    let published = publication(options.rate, options.frames(), seed)?;
    let expect_out = published.file();
    let mut testbed = Testbed::start(options, &published, seed).await?;
    let mut records = Vec::new();
    let outcome = perform(options, &mut testbed, &steps, &expect_out, &mut records).await;
    let clean = outcome
        .as_ref()
        .is_ok_and(|outcome| outcome.verdict.is_clean());
    if !clean {
        let kept = target().join("chaos").join(seed.to_string());
        keep(&testbed, &steps, &expect_out, &records, &kept)
            .await
            .context("cannot keep the logs")?;
        println!("logs: {}", kept.display());
    }
    let outcome = outcome?;
    ensure!(
        clean,
        "differs from what the simulator published: {}\n{}",
        outcome.verdict,
        outcome.verdict.complaints.join("\n")
    );
    Ok(outcome)
}

async fn perform(
    options: &Options,
    testbed: &mut Testbed,
    steps: &[Step],
    expect_out: &Path,
    records: &mut Vec<(Habit, Record)>,
) -> Result<Outcome> {
    let (goal, goals) = watch::channel(None);
    let edges = testbed.edge_urls().await;
    let mut clients = JoinSet::new();
    let mut signs = Vec::new();
    for (index, habit) in HABITS.into_iter().enumerate() {
        let (seen, sign) = watch::channel(client::Seen::Nothing);
        signs.push(sign);
        let edge = index % edges.len();
        // One client: ends at the goal.
        clients.spawn(client::follow(
            habit,
            edges.clone(),
            edge,
            goals.clone(),
            seen,
        ));
    }
    let (raw_goal, raw_goals) = watch::channel(None);
    let mut raw_clients = JoinSet::new();
    for (name, leaves_after) in [("raw", None), ("raw-restless", Some(499))] {
        // One client: ends at the goal.
        let streams = edges.iter().map(|edge| format!("{edge}{}", raw::PATH));
        raw_clients.spawn(raw::follow(
            name,
            streams.collect(),
            leaves_after,
            raw_goals.clone(),
        ));
    }
    all_see(&mut signs, client::Seen::Connection).await?;
    testbed.start_ingests(options).await?;
    // An empty log starts with the current events, so no client expects anything before its first event.
    all_see(&mut signs, client::Seen::Event).await?;

    let labels = testbed.labelers.as_ref();
    let labels = labels.map(|labelers| labels::Course::begin(labelers, &edges));
    let injected = strike_all(testbed, steps).await;
    let expected = ExpectedEvents::read(expect_out, options.frames(), PATIENCE).await;
    let until = match &expected {
        Ok(_) if injected.is_ok() => Instant::now() + PATIENCE,
        _ => Instant::now(),
    };
    let counts = HABITS.iter().map(|habit| {
        let expected = expected.as_deref().unwrap_or_default();
        (habit.name, verdict::wanted(habit, expected).len())
    });
    let wanted = Arc::new(counts.collect());
    goal.send_replace(Some(Goal { wanted, until }));
    while let Some(record) = clients.join_next().await {
        records.push(record?);
    }
    let mut outcome = Outcome {
        fired: injected?,
        ..Outcome::default()
    };
    for step in steps {
        *outcome.planned.entry(step.fault).or_default() += 1;
    }
    testbed.check()?;
    outcome.tiers = testbed.tiers_used().await?;
    let expected = expected?;
    let log = testbed.log().await?;
    let (of_log, times) = verdict::judge_log(&log, &expected).await?;
    println!("  log: {of_log}");
    outcome.verdict.add(of_log);
    let last_event = expected.last().map_or(0, |event| event.relay_seq);
    let sent = raw::Sent::by(testbed, last_event).await?;
    let (of_log, raw_log) = raw::judge_log(testbed, &sent).await?;
    println!("  raw log: {of_log}");
    outcome.verdict.add(of_log);
    raw_goal.send_replace(Some(sent.goal(Instant::now() + PATIENCE)));
    while let Some(received) = raw_clients.join_next().await {
        let received = received?;
        let of_client = raw::judge_client(&received, &raw_log);
        let (name, connections) = (received.name, received.connections);
        println!("  {name}: {of_client}, {connections} connections");
        outcome.verdict.add(of_client);
        outcome.connections += connections;
    }
    if let Some(labels) = labels {
        let (of_labels, connections) = labels.end(testbed).await?;
        outcome.with_labels = 1;
        outcome.verdict.add(of_labels);
        outcome.connections += connections;
    }
    for (habit, record) in records.iter() {
        let mut of_client = verdict::judge_client(habit, record, &expected, &times)?;
        of_client.repeated += record.bad_returns.len() as u64;
        for bad in &record.bad_returns {
            of_client.object(|| bad.clone());
        }
        println!(
            "  {}: {of_client}, {} connections, longest stall {:.1?}",
            habit.name, record.connections, record.longest_stall
        );
        outcome.verdict.add(of_client);
        outcome.connections += record.connections;
        outcome.longest_stall = outcome.longest_stall.max(record.longest_stall);
    }
    Ok(outcome)
}

async fn all_see(signs: &mut [watch::Receiver<client::Seen>], what: client::Seen) -> Result<()> {
    for sign in signs {
        let seeing = sign.wait_for(|seen| *seen >= what);
        tokio::time::timeout(PATIENCE, seeing)
            .await
            .with_context(|| format!("a client sees no {what:?}"))??;
    }
    Ok(())
}

/// Carries out the plan; returns how often each kind of fault took effect.
async fn strike_all(testbed: &Testbed, steps: &[Step]) -> Result<BTreeMap<Fault, u32>> {
    let started = tokio::time::Instant::now();
    // All faults run to their ends, even if one fails: nothing stays frozen or cut.
    let strikes = steps.iter().map(|step| async move {
        tokio::time::sleep_until(started + step.at).await;
        let hit = inject::inject(testbed, step).await;
        hit.map(|hit| (step.fault, hit))
            .with_context(|| format!("{step}"))
    });
    let injected = join_all(strikes).await;
    let mut fired = BTreeMap::new();
    for injected in injected {
        let (fault, hit) = injected?;
        *fired.entry(fault).or_default() += u32::from(hit);
    }
    Ok(fired)
}

/// Keeps the evidence of a failed run.
async fn keep(
    testbed: &Testbed,
    steps: &[Step],
    expect_out: &Path,
    records: &[(Habit, Record)],
    folder: &Path,
) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    std::fs::write(folder.join("plan.txt"), steps.join("\n") + "\n")?;
    std::fs::copy(expect_out, folder.join("expected.jsonl"))?;
    for (habit, record) in records {
        let log = record.log.join("\n") + "\n";
        std::fs::write(folder.join(format!("client-{}.log", habit.name)), log)?;
        let events: Vec<_> = record
            .events
            .iter()
            .map(|event| event.json.as_str())
            .collect();
        let events = events.join("\n") + "\n";
        std::fs::write(folder.join(format!("client-{}.jsonl", habit.name)), events)?;
    }
    testbed.keep_logs(folder).await
}
