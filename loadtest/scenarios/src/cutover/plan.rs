//! What a client will do, drawn at random: nothing here touches a socket.

use std::time::Duration;

use fanjet_oracle::{Filter, Ledger, Start};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const LIKES: &str = "app.bsky.feed.like";
/// Longest time between connecting and the last sample.
const LONGEST_LIFE: Duration = Duration::from_secs(12);
/// The part of the newest past that counts as recent.
const RECENT_US: u64 = 2_000_000;

/// The requested start of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// No cursor, or one in the future.
    Live {
        in_future: bool,
    },
    Time(u64),
    Seq(u64),
    /// 0 or below: everything.
    Oldest(i64),
}

/// One connection.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) target: usize,
    pub(super) cursor: Cursor,
    pub(super) filter: Filter,
    pub(super) is_compressed: bool,
    /// Reads Jetstream v2.
    pub(super) is_v2: bool,
    /// Requests its filter with an update, sent after this delay.
    pub(super) hello: Option<Duration>,
    pub(super) life: Duration,
    /// Reads at most this many bytes per second for a part of its life.
    pub(super) slow: Option<(f64, Duration)>,
    /// Filters that replace the first one, and when.
    pub(super) updates: Vec<(Duration, Filter)>,
    /// Stays until there are no more events.
    pub(super) stays: bool,
    /// Reconnects where it stopped.
    pub(super) resumes: bool,
}

impl Plan {
    pub(super) fn draw(random: &mut StdRng, ledger: &Ledger, targets: usize, now_us: u64) -> Self {
        let cursor = Cursor::draw(random, ledger, now_us);
        let life = LONGEST_LIFE.mul_f64(random.random::<f64>().powi(2));
        let updates = match random.random_range(0..10) {
            0 => 2,
            1..3 => 1,
            _ => 0,
        };
        let mut moments: Vec<_> = (0..updates)
            .map(|_| life.mul_f64(random.random()))
            .collect();
        moments.sort();
        let can_hello = !matches!(cursor, Cursor::Live { .. });
        let plan = Self {
            target: random.random_range(0..targets),
            cursor,
            filter: draw_filter(random, ledger),
            is_compressed: random.random_bool(0.3),
            is_v2: false,
            hello: (can_hello && random.random_bool(0.1))
                .then(|| Duration::from_millis(random.random_range(0..300))),
            life,
            slow: random.random_bool(0.15).then(|| {
                let rate = random.random_range(20_000.0..400_000.0);
                (rate, life.mul_f64(random.random()))
            }),
            updates: moments
                .into_iter()
                .map(|moment| (moment, draw_filter(random, ledger)))
                .collect(),
            stays: random.random_bool(0.1),
            resumes: random.random_bool(0.3),
        };
        match random.random_bool(0.3) {
            true => plan.in_v2(),
            false => plan,
        }
    }

    /// The same, as far as v2 has it: its clients send nothing, and its size limit is on another text.
    fn in_v2(mut self) -> Self {
        self.is_v2 = true;
        self.hello = None;
        self.updates.clear();
        self.filter.max_bytes = 0;
        if let Cursor::Oldest(_) = self.cursor {
            self.cursor = Cursor::Oldest(0);
        }
        self
    }
}

impl Cursor {
    pub(super) fn draw(random: &mut StdRng, ledger: &Ledger, now_us: u64) -> Self {
        match random.random_range(0..100) {
            0..12 => Self::Live { in_future: false },
            12..15 => Self::Live { in_future: true },
            15..18 => Self::Oldest(random.random_range(-1..=0)),
            18..23 => Self::Time(now_us),
            _ => Self::of_the_past(random, ledger),
        }
    }

    /// Anywhere in the past, and every fourth time in the newest part of it.
    pub(super) fn of_the_past(random: &mut StdRng, ledger: &Ledger) -> Self {
        let end = ledger.timed();
        let newest = ledger.time_of(end - 1);
        let from = match random.random_bool(0.25) {
            true => ledger.first_at(newest.saturating_sub(RECENT_US)),
            false => 0,
        };
        let index = random.random_range(from..end);
        match random.random_bool(0.4) {
            // Between two events, too.
            false => Self::Time(ledger.time_of(index) - random.random_range(0..400)),
            true => Self::Seq(ledger.seq_of(index)),
        }
    }

    pub(super) fn query(self) -> String {
        /// In the year 2112, in microseconds.
        const FUTURE: u64 = 4_500_000_000_000_000;
        match self {
            Self::Live { in_future: false } => String::new(),
            Self::Live { in_future: true } => format!("cursor={FUTURE}&"),
            Self::Time(cursor) | Self::Seq(cursor) => format!("cursor={cursor}&"),
            Self::Oldest(cursor) => format!("cursor={cursor}&"),
        }
    }

    /// Where the stream of a client that connected by `connected_us` must start.
    pub(super) fn start(self, ledger: &Ledger, connected_us: u64) -> Start {
        match self {
            Self::Live { .. } => Start::Live {
                from_us: connected_us,
            },
            Self::Time(cursor) => Start::Time(cursor),
            Self::Seq(cursor) => Start::At(ledger.first_at_seq(cursor)),
            Self::Oldest(_) => Start::At(0),
        }
    }
}

/// No filter, dense ones, rare ones.
pub(super) fn draw_filter(random: &mut StdRng, ledger: &Ledger) -> Filter {
    let mut filter = Filter::default();
    match random.random_range(0..100) {
        0..20 => {}
        20..40 => filter.collections.push(LIKES.to_owned()),
        40..50 => filter.collections.push("app.bsky.graph.*".to_owned()),
        50..65 => filter.collections.extend(rare(random, ledger)),
        65..75 => {
            filter.collections.extend(rare(random, ledger));
            filter.dids = dids(random, ledger, 3);
        }
        75..93 => filter.dids = dids(random, ledger, 5),
        _ => filter.max_bytes = random.random_range(300..700),
    }
    filter
}

/// A collection with at most one in ten thousand events.
pub(super) fn rare(random: &mut StdRng, ledger: &Ledger) -> Option<String> {
    let counts = ledger.collection_names().counts();
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let rare = counts.iter().filter(|(_, count)| count * 10_000 <= all);
    let rare: Vec<_> = rare.collect();
    let least = || counts.iter().min_by_key(|(_, count)| count);
    let drawn = rare.choose(random).copied().or_else(least);
    drawn.map(|(name, _)| name.clone())
}

fn dids(random: &mut StdRng, ledger: &Ledger, most: usize) -> Vec<String> {
    let count = random.random_range(1..=most);
    let known = ledger.did_names().counts();
    known
        .sample(random, count)
        .map(|(name, _)| name.clone())
        .collect()
}
