//! One run: from a seed to a verdict.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_edge::simulated;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, Habit};
use crate::clock::VirtualClock;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::event::Filter;
use crate::faults::{Fired, Kind, inject, log_faults};
use crate::plan::Plan;
use crate::record::Record;
use crate::relay::Relay;
use crate::world::{History, START_US, STEP};
use fanjet_simulator::CursorHabit;

/// How long everything may take to arrive after the last fault, in simulated time.
const SETTLE: Duration = Duration::from_secs(900);
/// Most faults that are under way at the same time.
const MAX_AT_ONCE: usize = 3;

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
    let clients = Plan::all_clients().len();
    let cluster = Rc::new(Cluster::new(relays.collect(), clients, clock, &dice));
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

    first_event(&cluster).await?;
    let mut fired = Fired::new();
    let mut under_way = JoinSet::new();
    let kinds = plan.kinds();
    for index in 0..plan.faults.last().map_or(0, |last| last + 1) {
        sleep(dice.millis(200..60_000)).await;
        let (kind, dice) = (*dice.pick(&kinds), dice.split());
        if !plan.faults.contains(&index) {
            continue;
        }
        let (at, seq) = (clock.elapsed(), cluster.ledger.len());
        tracing::info!(?at, seq, index, ?kind, "fault");
        let fault = inject(kind, Rc::clone(&cluster), dice);
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
    first_event(&cluster).await?;
    publishing.shutdown().await;

    let published = cluster.relays.iter().map(|relay| relay.published()).max();
    let expected = &history.expected[..published.unwrap_or_default()];
    cluster
        .relays
        .iter()
        .for_each(|relay| relay.publish(expected.len() - relay.published()));
    settle(&cluster, expected, &records, &mut tasks).await?;
    cluster.ledger.check(expected)?;
    let deleted = cluster.ledger.deleted();
    let mut received = 0;
    // Its keys are always the same.
    let mut fingerprint = DefaultHasher::new();
    cluster.ledger.with(|log| {
        log.iter()
            .for_each(|it| (it.seq, it.time).hash(&mut fingerprint))
    });
    for (index, record) in records.iter().enumerate() {
        let record = record.borrow();
        let checked = cluster.ledger.with(|log| record.check(log, deleted));
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

/// Waits until the log has its first event: before it, a log promises nothing, and its first leader starts with the present.
async fn first_event(cluster: &Cluster) -> Result<()> {
    let began = Instant::now();
    while cluster.ledger.is_new() {
        ensure!(began.elapsed() < SETTLE, "the log gets no event");
        sleep(Duration::from_millis(100)).await;
        cluster.ledger.update().await?;
    }
    Ok(())
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
    let clients = Plan::all_clients().map(|index| {
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
            index,
            is_compressed: index % 3 == 2,
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
        if plan.clients.contains(&index) {
            tasks.spawn_local(async move {
                sleep(dice.millis(0..300_000)).await;
                client.run().await
            });
        }
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
    let began = Instant::now();
    cluster.is_settling.set(true);
    loop {
        cluster.ledger.update().await?;
        check_tasks(tasks)?;
        let behind = records.iter().position(|record| {
            let record = record.borrow();
            let deleted = cluster.ledger.deleted();
            let due = cluster.ledger.with(|log| record.newest_due(log, deleted));
            due.is_some() && record.last_time() < due
        });
        let is_settled = behind.is_none() && cluster.ledger.check(expected).is_ok();
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
