//! One run: from a seed to a verdict.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_edge::simulated;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, Habit};
use crate::clock::VirtualClock;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::event::Filter;
use crate::faults::{Fired, KINDS, Kind, inject, log_faults};
use crate::record::Record;
use crate::relay::Relay;
use crate::world::{History, START_US, STEP};
use fanjet_simulator::CursorHabit;

/// How long everything may take to arrive after the last fault, in simulated time.
const SETTLE: Duration = Duration::from_secs(900);
/// Most faults that are under way at the same time.
const MAX_AT_ONCE: usize = 3;

/// What a run looks like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// Clients.
    pub clients: usize,
    /// Faults to inject.
    pub faults: usize,
    /// The kinds to choose from.
    pub kinds: Vec<Kind>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        // Events of another numbering are recognized by those in the log. Where the log has none, an old event that has
        // no revision may come again, and nothing can be done about it: these faults have runs of their own.
        let keeps_log = seed.is_multiple_of(2);
        let is_possible = |kind: &Kind| match kind {
            Kind::RelayDown | Kind::RelayRecreated => keeps_log,
            Kind::Expiry | Kind::Purge => !keeps_log,
            _ => true,
        };
        Self {
            seed,
            clients: 12,
            faults: 40,
            kinds: KINDS.into_iter().filter(is_possible).collect(),
        }
    }
}

/// What a run has shown.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Simulated time.
    pub simulated: Duration,
    /// Events in the log.
    pub logged: usize,
    /// Events that clients received.
    pub received: usize,
    /// Faults that took effect.
    pub fired: Fired,
    /// A hash of the log and of everything that clients received: equal for equal seeds.
    pub fingerprint: u64,
}

/// Runs a plan to its end on this thread.
///
/// # Errors
/// What was lost, repeated, reordered, changed or stuck.
pub fn run(plan: &Plan, history: &History) -> Result<Outcome> {
    simulated::block_on(plan.seed, simulate(plan.clone(), history.clone()))
        .with_context(|| format!("seed {}", plan.seed))
}

async fn simulate(plan: Plan, history: History) -> Result<Outcome> {
    let dice = Dice::new(plan.seed);
    let habits = [CursorHabit::Spec, CursorHabit::Relay, CursorHabit::Rainbow];
    let relays = history.frames.iter().zip(["relay-a", "relay-b"]);
    let relays = relays
        .map(|(frames, host)| Relay::new(host, *dice.pick(&habits), frames.clone(), dice.split()));
    let clock = VirtualClock::starting_at(START_US);
    let cluster = Rc::new(Cluster::new(relays.collect(), clock, &dice));
    for index in 0..cluster.ingests.len() {
        cluster.start_ingest(index)?;
    }
    for index in 0..cluster.edges.len() {
        cluster.start_edge(index)?;
    }
    let mut tasks = JoinSet::new();
    let records = start_clients(&plan, &history, &cluster, &dice, &mut tasks);
    let world = publish(Rc::clone(&cluster), dice.split());
    let mut publishing = JoinSet::new();
    publishing.spawn_local(world);

    // Before its first event a log promises nothing: its first leader starts with the present.
    while cluster.ledger.len() == 0 {
        sleep(Duration::from_millis(100)).await;
        cluster.ledger.update().await?;
    }
    let mut fired = Fired::new();
    let mut under_way = JoinSet::new();
    for _ in 0..plan.faults {
        sleep(dice.millis(200..60_000)).await;
        let kind = *dice.pick(&plan.kinds);
        let (at, seq) = (clock.elapsed(), cluster.ledger.len());
        tracing::info!(?at, seq, ?kind, "fault");
        let fault = inject(kind, Rc::clone(&cluster), dice.split());
        under_way.spawn_local(async move { (kind, fault.await) });
        while under_way.len() > MAX_AT_ONCE {
            note(under_way.join_next().await, &mut fired)?;
        }
        check_tasks(&mut tasks)?;
    }
    while !under_way.is_empty() {
        note(under_way.join_next().await, &mut fired)?;
    }
    fired.extend(log_faults(&cluster));
    publishing.shutdown().await;

    let published = cluster.relays.iter().map(|relay| relay.published()).max();
    let expected = &history.expected[..published.unwrap_or_default()];
    cluster
        .relays
        .iter()
        .for_each(|relay| relay.publish(expected.len() - relay.published()));
    settle(&cluster, expected, &records, &mut tasks).await?;
    cluster.ledger.check(expected)?;
    let expired = cluster.ledger.expired();
    let mut received = 0;
    // Its keys are always the same.
    let mut fingerprint = DefaultHasher::new();
    cluster.ledger.with(|log| {
        log.iter()
            .for_each(|it| (it.seq, it.time).hash(&mut fingerprint))
    });
    for (index, record) in records.iter().enumerate() {
        let record = record.borrow();
        let checked = cluster.ledger.with(|log| record.check(log, expired));
        checked.with_context(|| format!("client {index}, {:?}", record.filter))?;
        received += record.events();
        record.items.hash(&mut fingerprint);
    }
    Ok(Outcome {
        simulated: clock.elapsed(),
        logged: cluster.ledger.len(),
        received,
        fired,
        fingerprint: fingerprint.finish(),
    })
}

/// The relays publish as soon as they have a client: usually a frame at a time, now and then many; the second one a little later.
async fn publish(cluster: Rc<Cluster>, dice: Dice) {
    while !cluster.relays[0].has_clients() {
        sleep(Duration::from_millis(10)).await;
    }
    loop {
        let frames = match dice.chance(0.03) {
            true => 1 + dice.index(60),
            false => 1,
        };
        let pause = STEP * u32::try_from(frames).unwrap_or(1);
        sleep(pause.mul_f64(dice.number(500..1500) as f64 / 1000.0)).await;
        let later: Vec<_> = cluster.relays[1..]
            .iter()
            .map(|relay| (relay, cluster.relays[0].published() - relay.published()))
            .collect();
        cluster.relays[0].publish(frames);
        if dice.chance(0.8) {
            later
                .into_iter()
                .for_each(|(relay, frames)| relay.publish(frames));
        }
    }
}

fn start_clients(
    plan: &Plan,
    history: &History,
    cluster: &Rc<Cluster>,
    dice: &Dice,
    tasks: &mut JoinSet<Result<()>>,
) -> Vec<Rc<RefCell<Record>>> {
    let habits = [Habit::Steady, Habit::Restless, Habit::Slow, Habit::Dozing];
    let some = || dice.pick(&history.expected[..200]).first().cloned();
    let clients = (0..plan.clients).map(|index| {
        let mut filter = Filter::default();
        match index % 4 {
            1 => filter.collections.push("app.bsky.feed.*".to_owned()),
            2 => filter.collections.extend(
                some()
                    .filter(|it| it.about.contains('.'))
                    .map(|it| it.about),
            ),
            3 => filter.dids.extend(some().map(|it| it.did)),
            _ => {}
        }
        let record = Rc::new(RefCell::new(Record {
            filter,
            items: Vec::new(),
        }));
        let dice = dice.split();
        let client = Client {
            cluster: Rc::clone(cluster),
            habit: *dice.pick(&habits),
            address: (
                [127, 0, 0, 1],
                40_000 + u16::try_from(index).unwrap_or_default(),
            )
                .into(),
            from_us: dice.chance(0.6).then(|| match dice.chance(0.3) {
                true => 0,
                false => START_US + dice.number(0..300_000_000),
            }),
            record: Rc::clone(&record),
            dice: dice.clone(),
        };
        tasks.spawn_local(async move {
            sleep(dice.millis(0..300_000)).await;
            client.run().await
        });
        record
    });
    clients.collect()
}

/// Waits until the log holds every event, and every client has received what is due.
async fn settle(
    cluster: &Cluster,
    expected: &[Vec<crate::event::Event>],
    records: &[Rc<RefCell<Record>>],
    tasks: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let events: usize = expected.iter().map(Vec::len).sum();
    let began = Instant::now();
    cluster.is_settling.set(true);
    loop {
        cluster.ledger.update().await?;
        check_tasks(tasks)?;
        let behind = records.iter().position(|record| {
            let record = record.borrow();
            let due = cluster.ledger.with(|log| record.newest_due(log));
            due.is_some() && record.last_time() < due
        });
        let is_settled = cluster.ledger.len() >= events && behind.is_none();
        // When it is too late, the checks say what is missing.
        if is_settled || began.elapsed() >= SETTLE {
            return Ok(());
        }
        let _due = timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
    }
}

fn check_tasks(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    match tasks.try_join_next() {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

fn note(
    ended: Option<Result<(Kind, Result<bool>), tokio::task::JoinError>>,
    fired: &mut Fired,
) -> Result<()> {
    if let Some(ended) = ended {
        let (kind, outcome) = ended?;
        if outcome? && !matches!(kind, Kind::Log(_)) {
            *fired.entry(kind).or_default() += 1;
        }
    }
    Ok(())
}
