use proptest::prelude::*;

use super::*;

fn time(micros: i64) -> FrameTime {
    FrameTime::from_micros(micros)
}

/// An upstream: frames with rising seqs and times, the oldest forgotten.
#[derive(Debug)]
struct World {
    frames: Vec<FramePosition>,
    forgotten: usize,
}

impl World {
    /// The frames that arrive, and whether the upstream reports that older ones were dropped. A live connection
    /// receives the newest frame.
    fn from(&self, cursor: Option<u64>) -> (usize, bool) {
        match cursor {
            None => (self.frames.len() - 1, false),
            Some(cursor) => {
                let at = self.frames.partition_point(|place| place.seq <= cursor);
                (at.max(self.forgotten), at < self.forgotten)
            }
        }
    }

    /// Searches; the index of the first frame that is read, whether the history was too short, and how often it was
    /// asked.
    fn search(&self, mut search: Search) -> (usize, bool, u32) {
        let mut asks = 0;
        let mut step = search.first();
        loop {
            match step {
                NextProbe::Read(cursor) => return (self.from(Some(cursor)).0, false, asks),
                NextProbe::Ask(cursor) => {
                    asks += 1;
                    let (at, is_oldest) = self.from(cursor);
                    let Some(&place) = self.frames.get(at) else {
                        panic!("asked for what is not there yet: {cursor:?}");
                    };
                    match search.answered(cursor, SearchResult::Frame { place, is_oldest }) {
                        NextProbe::Stay { is_short } => return (at, is_short, asks),
                        next => step = next,
                    }
                }
                NextProbe::Stay { .. } | NextProbe::Renumbered | NextProbe::GiveUp => {
                    panic!("{search:?} gave up")
                }
            }
        }
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let steps = prop::collection::vec((1u64..4, 1i64..50_000), 1..3_000);
    (
        steps,
        0u64..u64::MAX / 2,
        1u64..2_000,
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(steps, base, spread, forgotten, forgets)| {
            let mut place = FramePosition {
                seq: base,
                time: time(0),
            };
            let frames: Vec<_> = steps
                .into_iter()
                .map(|(seqs, micros)| {
                    place = FramePosition {
                        seq: place.seq + seqs * spread,
                        time: time(place.time.micros() + micros),
                    };
                    place
                })
                .collect();
            let forgotten = if forgets {
                forgotten.index(frames.len())
            } else {
                0
            };
            World { frames, forgotten }
        })
}

proptest! {
    /// No retained frame newer than the target is skipped; reading does not start before the oldest known time if a
    /// frame lies between that and the target.
    #[test]
    fn it_begins_early_enough_and_not_too_early(
        world in worlds(),
        target in 0i64..80_000_000,
        window in 1i64..20_000_000,
        known in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let not_before = target - window;
        // What is known lies before the target, as the log's newest event of this upstream does.
        let known = known
            .map(|index| world.frames[index.index(world.frames.len())])
            .filter(|place| place.time <= time(target));
        let search = Search::new(time(target), time(not_before), known);
        let (first, is_short, asks) = world.search(search);
        let needed = world.frames[world.forgotten..]
            .iter()
            .position(|place| place.time > time(target))
            .map(|index| index + world.forgotten)
            .filter(|&index| known.is_none_or(|known| world.frames[index].seq > known.seq));
        if let Some(needed) = needed {
            prop_assert!(first <= needed, "begins at {first}, {needed} is needed");
        }
        let fitting = world.frames[world.forgotten..]
            .iter()
            .position(|place| (not_before..=target).contains(&place.time.micros()));
        if fitting.is_some() && !is_short && known.is_none() && first < world.frames.len() {
            // One frame earlier is the price of halving without looking again.
            let next = world.frames.get(first + 1).unwrap_or(&world.frames[first]);
            prop_assert!(next.time >= time(not_before) || first == world.forgotten,
                "begins at {:?}, before {not_before}", world.frames[first]);
        }
        prop_assert!(asks < MAX_ASKS);
    }
}

#[test]
fn what_is_known_and_recent_is_not_asked_for() {
    let known = FramePosition {
        seq: 77,
        time: time(900),
    };
    let mut search = Search::new(time(950), time(500), Some(known));
    assert_eq!(search.first(), NextProbe::Read(77));
}

#[test]
fn a_quiet_upstream_is_read_from_what_is_known_or_from_its_beginning() {
    let known = FramePosition {
        seq: 77,
        time: time(100),
    };
    let mut search = Search::new(time(950), time(500), Some(known));
    assert_eq!(search.first(), NextProbe::Ask(None));
    assert_eq!(
        search.answered(None, SearchResult::Silence),
        NextProbe::Read(77)
    );

    let mut search = Search::new(time(950), time(500), None);
    assert_eq!(search.first(), NextProbe::Ask(None));
    assert_eq!(
        search.answered(None, SearchResult::Silence),
        NextProbe::Ask(Some(0))
    );
    let quiet = search.answered(Some(0), SearchResult::Silence);
    assert_eq!(quiet, NextProbe::Stay { is_short: false });
}

#[test]
fn a_history_that_does_not_reach_back_is_reported() {
    let place = |seq, micros| FramePosition {
        seq,
        time: time(micros),
    };
    let mut search = Search::new(time(950), time(500), None);
    search.first();
    let live = SearchResult::Frame {
        place: place(10_000, 5_000),
        is_oldest: false,
    };
    let NextProbe::Ask(Some(cursor)) = search.answered(None, live) else {
        panic!("not asked");
    };
    let oldest = SearchResult::Frame {
        place: place(9_900, 4_000),
        is_oldest: true,
    };
    let step = search.answered(Some(cursor), oldest);
    assert_eq!(step, NextProbe::Stay { is_short: true });
}

/// What it sends now is later than what is known, and stands below it.
#[test]
fn an_upstream_below_its_known_seq_has_restarted_its_sequence() {
    let known = FramePosition {
        seq: 1_000_000,
        time: time(100),
    };
    for seq in [31, 1_000_000] {
        let mut search = Search::new(time(950), time(500), Some(known));
        assert_eq!(search.first(), NextProbe::Ask(None));
        let place = FramePosition {
            seq,
            time: time(1_000),
        };
        let live = SearchResult::Frame {
            place,
            is_oldest: false,
        };
        assert_eq!(search.answered(None, live), NextProbe::Renumbered);
    }
}
