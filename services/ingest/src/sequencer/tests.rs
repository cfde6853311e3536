use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fanjet_event::{Datetime, Did, Topic};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{EventLog, Origin, UpstreamId};
use fanjet_runtime::{Clock, SteadyClock};
use fanjet_wire::envelope::Envelope;
use proptest::prelude::*;

use super::*;
use crate::frame_time::FrameTime;
use crate::known_events::KnownEvents;

const NOW: u64 = 1_783_175_888_085_434;

fn origin(relay_seq: u64, op_index: u32) -> Origin {
    Origin {
        upstream: UpstreamId::new("relay").unwrap(),
        relay_seq,
        op_index,
        op_count: 3,
        time: Datetime::parse("2026-05-25T14:23:29Z").unwrap().shared(),
    }
}

fn resume(seq: u64, time: Option<TimeUs>, origin: Origin) -> Resume {
    Resume {
        seq,
        time,
        origin: Some(origin),
        ..Resume::default()
    }
}

fn relay() -> Numbering {
    Numbering::first(UpstreamId::new("relay").unwrap())
}

fn drafts(positions: &[(u64, u32)]) -> Drafts {
    let mut drafts = Drafts::default();
    for &(relay_seq, op_index) in positions {
        let start = drafts.text.len();
        let did = Did::parse("did:plc:ux2eeflheratfrvp3xfbp4zi").unwrap();
        let time = Datetime::parse("2026-05-25T14:23:29Z").unwrap();
        v1::write_identity(&mut drafts.text, did, None, relay_seq, time);
        let span = start..drafts.text.len();
        drafts.events.push(Draft {
            topic: Topic::Identity,
            origin: origin(relay_seq, op_index),
            span,
        });
    }
    drafts
}

fn times(sequenced: &Sequenced) -> Vec<u64> {
    sequenced
        .events
        .iter()
        .map(|event| Envelope::of(&event.body).unwrap().time.get())
        .collect()
}

#[test]
fn times_rise_above_the_logs_last_even_when_the_clock_is_behind() {
    let resume = resume(5, TimeUs::new(NOW + 1_000), origin(7, 2));
    let mut sequencer = Sequencer::continuing(&resume);
    let first = sequencer.sequence(drafts(&[(8, 0), (9, 0)]), &relay(), NOW);
    assert_eq!(times(&first), [NOW + 1_001, NOW + 1_002]);
    let second = sequencer.sequence(drafts(&[(10, 0)]), &relay(), NOW + 5_000);
    assert_eq!(times(&second), [NOW + 5_000]);
}

/// A wall clock that can be set, and the time that passes.
#[derive(Default)]
struct TestClock(parking_lot::Mutex<(u64, u64)>);

impl Clock for TestClock {
    fn now_us(&self) -> u64 {
        self.0.lock().0
    }

    fn instant(&self) -> Instant {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGIN + Duration::from_micros(self.0.lock().1)
    }
}

/// An event per second, stamped by the clock of a process, while the machine's clock is off by `off_us`.
fn stamped(seconds: u64, off_us: impl Fn(u64) -> u64) -> Vec<u64> {
    let clock = SteadyClock::new(TestClock::default());
    let mut sequencer = Sequencer::continuing(&Resume::default());
    let stamp = |second: u64| {
        let passed = second * 1_000_000;
        *clock.inner().0.lock() = (NOW + passed + off_us(second), passed);
        times(&sequencer.sequence(drafts(&[(second, 0)]), &relay(), clock.now_us()))
    };
    (1..=seconds).flat_map(stamp).collect()
}

/// Log times never go back: once they are ahead they stay ahead until the clock catches up.
#[test]
fn a_clock_that_is_ahead_for_seconds_leaves_no_trace_in_the_log() {
    const AHEAD: u64 = 100 * 3_600 * 1_000_000;
    let off = |second| if (10..15).contains(&second) { AHEAD } else { 0 };
    let right: Vec<_> = (1..=120).map(|second| NOW + second * 1_000_000).collect();
    assert_eq!(stamped(120, off), right);

    // A clock that stays ahead for long is trusted, and then the only option is to report it.
    let off = |second| if (10..80).contains(&second) { AHEAD } else { 0 };
    let times = stamped(300, off);
    assert_eq!(times[..69], right[..69]);
    assert!(times[70] > NOW + AHEAD);
    let mut ahead = Ahead::default();
    let (by_us, news) = ahead.observe(TimeUs::new(times[299]), NOW + 300 * 1_000_000);
    assert!(by_us > AHEAD - 300 * 1_000_000);
    assert_eq!(news, Some(AheadChange::Began));
}

#[test]
fn a_half_logged_commit_is_completed_and_nothing_repeated() {
    let mut sequencer = Sequencer::continuing(&resume(5, None, origin(7, 1)));
    let sequenced = sequencer.sequence(
        drafts(&[(6, 0), (7, 0), (7, 1), (7, 2), (8, 0), (8, 0)]),
        &relay(),
        NOW,
    );
    assert_eq!(sequenced.repeated, 4);
    let kept: Vec<_> = sequenced
        .events
        .iter()
        .map(|event| (event.origin.relay_seq, event.origin.op_index))
        .collect();
    assert_eq!(kept, [(7, 2), (8, 0)]);
}

/// A relay that numbers differently sends 70 events from the beginning. The log has the first 60, of which the newest 40 are
/// remembered.
#[tokio::test]
async fn another_upstreams_events_are_compared_with_what_is_remembered() {
    let sent = |name: &str, seqs: std::ops::Range<u64>| {
        let mut drafts = Drafts::default();
        for index in 0..seqs.end - seqs.start {
            let start = drafts.text.len();
            let did = format!("did:plc:{index}");
            let time = format!("2026-07-04T14:{:02}:{:02}Z", index / 60, index % 60);
            let time = Datetime::parse(time.as_str()).unwrap();
            let seq = seqs.start + index;
            v1::write_identity(
                &mut drafts.text,
                Did::parse(&*did).unwrap(),
                None,
                seq,
                time,
            );
            drafts.events.push(Draft {
                topic: Topic::Identity,
                origin: Origin {
                    upstream: UpstreamId::new(name).unwrap(),
                    op_count: 1,
                    time: time.shared(),
                    ..origin(seq, 0)
                },
                span: start..drafts.text.len(),
            });
        }
        drafts
    };
    let mut sequencer = Sequencer::continuing(&Resume::default());
    let first = sequencer.sequence(sent("relay", 100..160), &relay(), NOW);
    assert_eq!((first.events.len(), first.skipped.len()), (60, 0));
    let log = MemoryLog::new();
    log.appender(0)
        .await
        .unwrap()
        .append(&first.events)
        .await
        .unwrap();
    let held = KnownEvents::read(&log, 60, 40).await.unwrap();

    let other = Numbering::first(UpstreamId::new("other").unwrap());
    sequencer.novelty().compare(&other, held);
    let second = sequencer.sequence(sent("other", 7..77), &other, NOW);
    let kept: Vec<_> = second
        .events
        .iter()
        .map(|event| event.origin.relay_seq)
        .collect();
    assert_eq!(kept, (67..77).collect::<Vec<_>>());
    assert_eq!(second.repeated, 40);
    assert_eq!(second.skipped, [Skipped::BeforeMemory; 20]);
    // Its own repeats are recognized by its own seqs.
    let again = sequencer.sequence(sent("other", 7..77), &other, NOW);
    assert_eq!((again.events.len(), again.repeated), (0, 70));
}

proptest! {
    /// However the batches are cut, however often the upstream repeats itself and however the clock jumps: each
    /// operation once, in upstream order, under strictly rising times.
    #[test]
    fn each_operation_once_under_rising_times(
        batches in prop::collection::vec((prop::collection::vec((1u64..40, 0u32..3), 0..12), 0u64..4_000_000), 1..12),
        held in 0u64..20,
    ) {
        let mut sequencer = Sequencer::continuing(&resume(held, TimeUs::new(NOW), origin(held, 1)));
        let mut last = ((held, 1), NOW);
        for (mut positions, jump) in batches {
            positions.sort_unstable();
            let given = positions.len() as u64;
            let sequenced = sequencer.sequence(drafts(&positions), &relay(), NOW - 2_000_000 + jump);
            prop_assert_eq!(sequenced.events.len() as u64 + sequenced.repeated, given);
            for (event, time) in sequenced.events.iter().zip(times(&sequenced)) {
                let next = ((event.origin.relay_seq, event.origin.op_index), time);
                prop_assert!(next.0 > last.0 && next.1 > last.1, "{:?} after {:?}", next, last);
                last = next;
            }
        }
    }
}

#[test]
fn events_that_the_log_gained_after_the_bookmark_are_skipped() {
    let resume = Resume {
        log: "log".to_owned(),
        seq: 12,
        newest: 12,
        bookmark: Some(crate::bookmark::Bookmark {
            log: "log".to_owned(),
            end: 10,
            log_time_us: None,
            upstream: "relay".to_owned(),
            relay_seq: Some(7),
            time_us: 0,
        }),
        ..Resume::default()
    };
    let mut sequencer = Sequencer::continuing(&resume);
    // The upstream starts with the frame that the cursor names.
    let sequenced = sequencer.sequence(
        drafts(&[(7, 0), (7, 1), (8, 0), (8, 1), (9, 0), (10, 0)]),
        &relay(),
        NOW,
    );
    let kept: Vec<_> = sequenced
        .events
        .iter()
        .map(|it| it.origin.relay_seq)
        .collect();
    assert_eq!((kept, sequenced.repeated), (vec![9, 10], 4));
}

#[test]
fn nothing_from_before_the_beginning_is_wanted() {
    let mut sequencer = Sequencer::continuing(&Resume::default());
    let at = |time: &str| FrameTime::of(&Datetime::parse(time).unwrap()).unwrap();
    sequencer.novelty().skip_before(at("2026-05-25T14:23:30Z"));
    let early = sequencer.sequence(drafts(&[(1, 0), (2, 0)]), &relay(), NOW);
    assert_eq!(early.skipped, [Skipped::BeforeBeginning; 2]);
    sequencer.novelty().skip_before(at("2026-05-25T14:23:29Z"));
    let begun = sequencer.sequence(drafts(&[(3, 0)]), &relay(), NOW);
    assert_eq!(begun.events.len(), 1);
    // Then wrong clocks do no harm any more.
    assert!(!sequencer.novelty().is_skipping());
}

/// Unacknowledged text counts by its bytes: no unused capacity may stay in memory with it.
#[test]
fn dropped_and_skipped_events_hold_no_memory() {
    let mut sequencer = Sequencer::continuing(&Resume::default());
    let mut dropped = drafts(&[(1, 0), (2, 0)]);
    dropped.text.reserve(8 << 20);
    let skipped: Vec<_> = (0..100_000)
        .map(|index| (1, index))
        .chain([(3, 0)])
        .collect();
    for (drafts, expected) in [(dropped, 2), (drafts(&skipped), 1)] {
        let texts = drafts.text.clone();
        let spans: Vec<_> = drafts
            .events
            .iter()
            .map(|draft| draft.span.clone())
            .collect();
        let first = spans.len() - expected;
        let mut sequenced = sequencer.sequence(drafts, &relay(), NOW);
        assert_eq!(sequenced.events.len(), expected);
        for (event, span) in sequenced.events.iter().zip(&spans[first..]) {
            let mut unstamped = texts[span.clone()].to_vec();
            assert!(v1::stamp(
                &mut unstamped,
                Envelope::of(&event.body).unwrap().time
            ));
            assert_eq!(event.body, unstamped);
        }
        let body = sequenced.events.remove(0).body;
        drop(sequenced);
        let room = body.try_into_mut().unwrap().capacity();
        assert!(room <= 2 * SLACK, "{room} bytes for {expected} events");
    }
}
