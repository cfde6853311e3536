use std::collections::HashMap;

use fanjet_event::{Nsid, Topic};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const SECOND: u64 = 1_000_000;
const ROLL: u64 = 5 * SECOND;
const HOUR: f64 = 3600.0;
const BEGIN: u64 = 1_700_000_000 * SECOND;

fn topic(name: &str) -> Topic {
    Topic::Commit(Nsid::parse(name.into()).unwrap())
}

/// A table and its clock, with a stream in which other collections always flow.
struct World {
    table: Table,
    now_us: u64,
}

impl World {
    fn new() -> Self {
        Self {
            table: Table::default(),
            now_us: BEGIN,
        }
    }

    /// One roll in which a collection has this many events.
    fn roll(&mut self, name: &str, events: u64) {
        self.now_us += ROLL;
        self.table.flowed("relay", 1, self.now_us);
        let topics = vec![topic(name); events as usize];
        let topics = topics.iter().chain(&[Topic::Identity]);
        self.table.appended(topics, self.now_us);
        self.table.roll(self.now_us);
    }

    fn row(&self, name: &str) -> (Row, f64) {
        let snapshot = self.table.snapshot(self.now_us);
        let row = snapshot.rows.iter().find(|row| *row.name == *name);
        (row.unwrap().clone(), snapshot.at)
    }

    fn is_silent(&self, name: &str) -> bool {
        let snapshot = self.table.snapshot(self.now_us);
        snapshot.silent().any(|row| *row.name == *name)
    }
}

/// The random number of events in the next roll at a steady rate.
fn poisson(rng: &mut ChaCha8Rng, per_roll: f64) -> u64 {
    if per_roll > 50.0 {
        return (per_roll * rng.random_range(0.7..1.3)) as u64;
    }
    let (limit, mut product, mut count) = ((-per_roll).exp(), 1.0, 0);
    loop {
        product *= rng.random_range(0.0..1.0_f64);
        if product <= limit {
            return count;
        }
        count += 1;
    }
}

const NAME: &str = "com.example.thing";

/// A collection with random events at a steady rate, once a day or many times per second, is never silent; once it
/// stops, it is, after at least the floor, unless it is too rare.
#[test]
fn chance_is_not_silence_and_an_end_is() {
    let day = 1.0 / 86_400.0;
    for (seed, (rate, expected)) in [
        (day, None),
        (12.0 * day, None),
        (10.0 / HOUR, Some(5.0 * HOUR)),
        (1.0 / 60.0, Some(0.6 * HOUR)),
        (0.5, Some(0.1 * HOUR)),
        (20.0, Some(0.1 * HOUR)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        let mut world = World::new();
        for _ in 0..4 * 86_400 / 5 {
            world.roll(NAME, poisson(&mut rng, rate * 5.0));
            assert!(!world.is_silent(NAME), "seed {seed}: {rate} per second");
        }
        let mut silent_after = None;
        for _ in 0..(20.0 * HOUR) as u64 / 5 {
            world.roll(NAME, 0);
            if world.is_silent(NAME) {
                silent_after = Some(world.row(NAME).0.silence(world.row(NAME).1));
                break;
            }
        }
        match (expected, silent_after) {
            (None, None) => {}
            (Some(expected), Some(after)) => {
                let is_plausible = after >= MIN_SILENCE && after <= 2.0 * expected;
                assert!(is_plausible, "{rate} per second: after {after} s");
            }
            other => panic!("{rate} per second: {other:?}"),
        }
        if silent_after.is_some() {
            world.roll(NAME, 1);
            assert!(!world.is_silent(NAME), "it is back");
        }
    }
}

#[test]
fn a_burst_is_no_habit() {
    let mut world = World::new();
    for _ in 0..120 {
        world.roll(NAME, 1_000);
    }
    for _ in 0..20 * 720 {
        world.roll(NAME, 0);
        assert!(!world.is_silent(NAME));
    }
}

/// A collection that pauses for six hours every night raises an alarm in the first night at most.
#[test]
fn nights_are_learned() {
    let mut world = World::new();
    for day in 0..4 {
        for roll in 0..24 * 720 {
            let is_awake = roll < 18 * 720;
            world.roll(NAME, u64::from(is_awake && roll % 20 == 0));
            assert!(day == 0 || !world.is_silent(NAME), "day {day}, roll {roll}");
        }
    }
}

#[test]
fn an_upstream_that_is_away_makes_nothing_silent() {
    let mut world = World::new();
    for _ in 0..2 * 720 {
        world.roll(NAME, 3);
    }
    let (before, _) = world.row(NAME);
    for _ in 0..100 {
        world.now_us += 3600 * SECOND;
        world.table.roll(world.now_us);
        assert!(!world.is_silent(NAME));
    }
    world.roll("com.example.another", 3);
    let (row, at) = world.row(NAME);
    assert!(!world.is_silent(NAME));
    assert!(row.silence(at) < 70.0, "{}", row.silence(at));
    assert_eq!(row.last_us, before.last_us);
}

#[test]
fn a_successor_continues() {
    let rates = |world: &World| {
        let (row, at) = world.row(NAME);
        let usual = row.usual();
        [
            row.usual_rate(),
            usual.gap,
            usual.slots,
            usual.longest_pause,
            usual.bound().unwrap(),
            row.silence(at),
            row.events as f64,
        ]
    };
    let run = |world: &mut World, rng: &mut ChaCha8Rng, rolls: usize| {
        for _ in 0..rolls {
            world.roll(NAME, poisson(rng, 0.3));
        }
    };
    for seed in 0..10 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut one = World::new();
        run(&mut one, &mut rng.clone(), 4_000);
        let mut first = World::new();
        run(&mut first, &mut rng, 3_000);
        let published = serde_json::to_vec(&first.table.snapshot(first.now_us)).unwrap();
        let mut second = World::new();
        second.now_us = first.now_us;
        // The history arrives after some events.
        run(&mut second, &mut rng, 7);
        second
            .table
            .adopt(serde_json::from_slice(&published).unwrap());
        run(&mut second, &mut rng, 993);
        for (nth, (got, wanted)) in rates(&second).into_iter().zip(rates(&one)).enumerate() {
            let error = (got - wanted).abs();
            assert!(
                error <= wanted.abs() * 0.02 + 11.0 * f64::from(u8::from(nth > 2)),
                "seed {seed}, value {nth}: {got} instead of {wanted}"
            );
        }
        assert_eq!(rates(&second)[6], rates(&one)[6], "seed {seed}");
    }
}

#[test]
fn upstreams_are_counted_separately() {
    let mut table = Table::default();
    for now in 1..=10 {
        table.flowed("one", 5, now * SECOND);
    }
    table.roll(10 * SECOND);
    table.flowed("two", 1, 11 * SECOND);
    table.roll(11 * SECOND);
    let seen = table.snapshot(11 * SECOND).upstreams;
    let seen: Vec<_> = seen
        .iter()
        .map(|it| (&*it.name, it.events, it.last_us))
        .collect();
    assert_eq!(seen, [("one", 50, 10 * SECOND), ("two", 1, 11 * SECOND)]);
    for n in 0..100 {
        table.flowed(&format!("relay-{n}"), 1, 12 * SECOND);
    }
    let seen = table.snapshot(12 * SECOND).upstreams;
    assert_eq!((seen.len(), &*seen[15].name), (16, "relay-99"));
}

/// Untrusted accounts create names as fast as they like.
#[test]
fn a_flood_of_names_is_bounded_and_pushes_out_no_one_of_weight() {
    let mut world = World::new();
    let mut total = 0;
    for flood in 0..40 {
        let names: Vec<_> = (0..400)
            .map(|n| topic(&format!("com.flood{flood}.name{n}.thing")))
            .collect();
        world.table.appended(names.iter(), world.now_us);
        let long = topic(&format!(
            "com.{}.long",
            ["a"; 63].concat() + ".b".repeat(40).as_str()
        ));
        world.table.appended([&long].into_iter(), world.now_us);
        world.roll(NAME, 10);
        total += 400 + 1 + 10 + 1;
        let snapshot = world.table.snapshot(world.now_us);
        assert!(snapshot.rows.len() <= MAX_ROWS + 3);
        let counted: u64 = snapshot.rows.iter().map(|row| row.events).sum();
        assert_eq!(counted + snapshot.other.events, total);
    }
    assert_eq!(world.row(NAME).0.events, 400);
    let snapshot = world.table.snapshot(world.now_us);
    assert!(snapshot.other.forgotten_rows > 0);
    let json = serde_json::to_vec(&snapshot).unwrap();
    assert!(json.len() < 1 << 20, "{} bytes", json.len());
}

#[test]
fn collections_without_events_are_forgotten() {
    let mut world = World::new();
    world.roll(NAME, 1);
    for _ in 0..73 * 720 {
        world.roll("com.example.other", 1);
    }
    let snapshot = world.table.snapshot(world.now_us);
    assert!(snapshot.rows.iter().all(|row| *row.name != *NAME));
    assert_eq!(snapshot.other.forgotten_rows, 1);
}

proptest! {
    /// A more frequent collection may be silent for less long, never for less than the floor, and a few events prove
    /// nothing.
    #[test]
    fn the_bound_follows_the_rhythm(
        slots in 0.0..3_000.0_f64,
        gap in 10.0..1e6_f64,
        longer in 1.0..10.0_f64,
        longest_pause in 0.0..1e6_f64,
        history in 0.0..1e6_f64,
    ) {
        let usual = Baseline { slots, gap, longest_pause, history };
        match usual.bound() {
            None => prop_assert!(slots < 8.0 || history < HOUR),
            Some(bound) => {
                prop_assert!(bound >= MIN_SILENCE && bound >= gap && bound >= longest_pause);
                let rarer = Baseline { gap: gap * longer, ..usual };
                prop_assert!(rarer.bound().unwrap() >= bound);
                let more = Baseline { slots: slots * longer, history: history * longer, ..usual };
                prop_assert_eq!(more.bound(), Some(bound));
            }
        }
    }

    /// In whatever order events are counted, and whichever process takes over: no event is lost or counted twice.
    #[test]
    fn every_event_is_counted_once(
        steps in prop::collection::vec((0..30_usize, 0..100_u64, any::<bool>()), 1..60),
    ) {
        let mut world = World::new();
        let mut expected = HashMap::<String, u64>::new();
        for (which, jump, is_taken_over) in steps {
            world.now_us += jump * SECOND;
            let name = format!("com.example.n{which}");
            world.roll(&name, which as u64 + 1);
            *expected.entry(name).or_default() += which as u64 + 1;
            if is_taken_over {
                let before = world.table.snapshot(world.now_us);
                world.table = Table::default();
                world.table.adopt(before);
            }
        }
        let snapshot = world.table.snapshot(world.now_us);
        for (name, events) in expected {
            let row = snapshot.rows.iter().find(|row| *row.name == *name).unwrap();
            prop_assert_eq!(row.events, events);
            prop_assert!(row.silence(snapshot.at) <= snapshot.at);
        }
    }
}
