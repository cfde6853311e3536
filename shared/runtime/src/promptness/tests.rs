//! The controller in a model of a worker, in simulated time.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

const CEILING: Duration = Duration::from_millis(60);

/// What one write costs, and each event in it, in seconds; measured.
const WRITE: f64 = 6e-6;
const EVENT: f64 = 0.08e-6;

#[derive(Debug, Clone, Copy)]
struct Load {
    events_per_second: f64,
    subscribers: f64,
}

fn load(events_per_second: f64, subscribers: f64) -> Load {
    Load {
        events_per_second,
        subscribers,
    }
}

/// A worker with its controller. Times are seconds.
struct Model {
    promptness: Promptness,
    random: StdRng,
    /// How irregular arrivals and costs are, from 0 to 1.
    noise: f64,
    now: f64,
    next_event: f64,
    last_flush: f64,
    noted: f64,
}

/// What a while of it was like.
#[derive(Debug, Default)]
struct Seen {
    /// After each flush, with its time.
    floors: Vec<(f64, f64)>,
    /// Of each event, until the last subscriber has it.
    latencies: Vec<f64>,
    spent: f64,
    seconds: f64,
}

impl Model {
    fn new(percent: u32, noise: f64) -> Self {
        Self {
            promptness: Promptness::new(percent, CEILING),
            random: StdRng::seed_from_u64(7),
            noise,
            now: 0.0,
            next_event: 0.0,
            last_flush: -1.0,
            noted: 0.0,
        }
    }

    fn run(&mut self, load: Load, seconds: f64) -> Seen {
        let (begin, end) = (self.now, self.now + seconds);
        let mut seen = Seen {
            seconds,
            ..Seen::default()
        };
        self.next_event = self.next_event.max(begin);
        while self.next_event < end {
            let floor = self.promptness.floor().as_secs_f64();
            let flush = self.next_event.max(self.now).max(self.last_flush + floor);
            let mut arrived = Vec::new();
            while self.next_event <= flush {
                arrived.push(self.next_event);
                self.next_event += self.gap(load);
            }
            let cost = load.subscribers * (WRITE + EVENT * arrived.len() as f64) * self.factor();
            self.last_flush = flush;
            self.now = flush + cost;
            self.note(cost, self.now - self.noted);
            seen.spent += cost;
            seen.floors
                .push((self.now, self.promptness.floor().as_secs_f64()));
            seen.latencies
                .extend(arrived.iter().map(|arrived| self.now - arrived));
        }
        self.now = self.now.max(end);
        seen
    }

    fn note(&mut self, spent: f64, passed: f64) {
        let of = Duration::from_secs_f64;
        self.promptness.note(of(spent), of(passed));
        self.noted = self.now;
    }

    fn gap(&mut self, load: Load) -> f64 {
        let regular = 1.0 / load.events_per_second;
        let random = -self.random.random_range(f64::EPSILON..1.0f64).ln() * regular;
        regular + self.noise * (random - regular)
    }

    fn factor(&mut self) -> f64 {
        1.0 + self.noise * self.random.random_range(-0.7..1.5f64)
    }
}

impl Seen {
    /// Floors from so many seconds before the end: least, mean, most.
    fn floors_of_last(&self, seconds: f64) -> (f64, f64, f64) {
        let end = self.floors.last().unwrap().0;
        let last: Vec<_> = self
            .floors
            .iter()
            .filter(|(at, _)| *at > end - seconds)
            .map(|(_, floor)| *floor)
            .collect();
        let least = last.iter().copied().fold(f64::MAX, f64::min);
        let most = last.iter().copied().fold(0.0, f64::max);
        (least, last.iter().sum::<f64>() / last.len() as f64, most)
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * percent / 100]
    }

    fn share(&self) -> f64 {
        self.spent / self.seconds
    }
}

#[test]
fn with_room_there_is_no_pause() {
    for noise in [0.0, 0.5] {
        let mut model = Model::new(25, noise);
        for subscribers in [1.0, 30.0, 60.0] {
            let seen = model.run(load(500.0, subscribers), 5.0);
            assert_eq!(seen.floors_of_last(5.0).2, 0.0, "{subscribers}");
            assert!(seen.percentile(99) < 2e-3, "{}", seen.percentile(99));
        }
    }
}

#[test]
fn a_step_up_is_answered_within_a_second_and_without_overshoot() {
    let mut model = Model::new(25, 0.0);
    model.run(load(500.0, 60.0), 3.0);
    let seen = model.run(load(500.0, 1_000.0), 5.0);
    let (_, settled, _) = seen.floors_of_last(2.0);
    assert!((15e-3..25e-3).contains(&settled), "{settled}");
    let began = seen.floors[0].0;
    for (at, floor) in &seen.floors {
        let is_near = (floor - settled).abs() < 0.1 * settled;
        assert!(at - began < 1.0 || is_near, "{floor} at {at}");
        // The pause grows while the backlog of the first moments is sent, and no further.
        assert!(*floor < 1.1 * settled, "{floor} at {at}");
    }
    assert!(seen.share() < 0.4, "{}", seen.share());
}

#[test]
fn a_step_down_is_answered_within_a_second() {
    let mut model = Model::new(25, 0.0);
    let busy = model.run(load(500.0, 20_000.0), 5.0);
    assert_eq!(busy.floors_of_last(1.0).0, CEILING.as_secs_f64());
    model.run(load(500.0, 30.0), 1.0);
    let after = model.run(load(500.0, 30.0), 2.0);
    assert_eq!(after.floors_of_last(2.0).2, 0.0);
    // Silence is room as well.
    model.run(load(500.0, 20_000.0), 5.0);
    model.run(load(1.0, 1.0), 2.0);
    assert_eq!(model.promptness.floor(), Duration::ZERO);
}

#[test]
fn more_load_costs_longer_pauses_and_not_more_of_the_core() {
    let mut last = 0.0;
    for subscribers in [100.0, 300.0, 1_000.0, 3_000.0] {
        let mut model = Model::new(25, 0.3);
        model.run(load(500.0, subscribers), 3.0);
        let seen = model.run(load(500.0, subscribers), 5.0);
        let (_, floor, most) = seen.floors_of_last(5.0);
        assert!(floor > last, "{subscribers}: {floor}");
        assert!(most <= CEILING.as_secs_f64());
        assert!(seen.share() < 0.55, "{subscribers}: {}", seen.share());
        assert!(seen.percentile(99) < 0.1, "{}", seen.percentile(99));
        last = floor;
    }
}

#[test]
fn what_cannot_be_sent_in_time_is_sent_in_large_pieces() {
    let mut model = Model::new(25, 0.3);
    // At once it would be 15 cores.
    let seen = model.run(load(500.0, 5_000.0), 10.0);
    assert!(seen.share() < 0.9, "{}", seen.share());
    let late = seen.latencies[seen.latencies.len() / 2..]
        .iter()
        .copied()
        .fold(0.0, f64::max);
    assert!(late < 0.2, "it does not fall behind: {late}");
}

#[test]
fn a_burst_passes_at_full_speed_and_a_series_of_them_is_paid_for() {
    let mut model = Model::new(25, 0.0);
    for _ in 0..5 {
        model.run(load(50.0, 100.0), 2.0);
        let burst = model.run(load(1_500.0, 100.0), 0.1);
        assert_eq!(burst.floors_of_last(0.1).2, 0.0);
    }
    for _ in 0..50 {
        model.run(load(50.0, 500.0), 0.1);
        model.run(load(1_500.0, 500.0), 0.1);
    }
    let floor = model.promptness.floor();
    assert!(floor > Duration::ZERO && floor < CEILING, "{floor:?}");
}

#[test]
fn clocks_that_jump_do_no_lasting_harm() {
    let long = Duration::from_secs(1 << 40);
    for (spent, passed) in [
        (Duration::ZERO, Duration::ZERO),
        (Duration::from_secs(1), Duration::ZERO),
        (long, Duration::from_nanos(1)),
        (Duration::from_nanos(1), long),
        (long, Duration::from_millis(100)),
        (Duration::MAX, Duration::MAX),
    ] {
        let mut model = Model::new(25, 0.0);
        model.run(load(500.0, 30.0), 1.0);
        model.promptness.note(spent, passed);
        let share = model.promptness.share();
        assert!((0.0..=1.0).contains(&share), "{share}");
        assert!(model.promptness.floor() <= CEILING);
        model.run(load(500.0, 30.0), 1.0);
        assert_eq!(model.promptness.floor(), Duration::ZERO);
    }
}

#[test]
fn the_ends_of_the_setting_are_always_and_never() {
    for percent in [0, 1, 50, 80, 100] {
        let mut promptness = Promptness::new(percent, CEILING);
        assert_eq!(promptness.floor(), Duration::ZERO);
        promptness.note(Duration::from_hours(1), Duration::from_hours(1));
        let expected = if percent == 100 {
            Duration::ZERO
        } else {
            CEILING
        };
        assert_eq!(promptness.floor(), expected, "{percent}");
    }
    let mut calm = Promptness::new(0, CEILING);
    calm.note(Duration::from_millis(1), Duration::from_secs(1));
    assert_eq!(calm.floor(), CEILING);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the load, after a second the pause stays where it is.
    #[test]
    fn a_steady_load_has_a_steady_pause(
        events_per_second in 20.0..5_000.0f64,
        subscribers in 1.0..10_000.0f64,
        percent in 5..60u32,
        noise in 0.0..0.4f64,
    ) {
        let load = load(events_per_second, subscribers);
        let mut model = Model::new(percent, noise);
        model.run(load, 1.5);
        let (least, mean, most) = model.run(load, 4.0).floors_of_last(4.0);
        let band = 2e-3 + (0.1 + noise) * mean;
        prop_assert!(most - mean <= band && mean - least <= band, "{least} {mean} {most}");
    }
}
