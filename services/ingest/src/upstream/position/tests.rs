use fanjet_simulator::{World, WorldConfig};

use super::first::judge;
use super::*;

#[test]
fn only_new_seqs_are_progress() {
    let config = WorldConfig {
        accounts: 5,
        did_web_accounts: 0,
        records_per_repo: 2,
        ..WorldConfig::default()
    };
    let mut world = World::new(&config).unwrap();
    let (first, second) = (world.next_frame(), world.next_frame());
    let garbage = Bytes::from_static(b"garbage");
    let id = UpstreamId::new("relay").unwrap();
    let mut positions = UpstreamPositions::continuing([&id], &Resume::default());

    let mut is_progress = |frames: &[Bytes]| {
        let (_, change) = positions.hand_on(0, frames.to_vec());
        (change.is_progress, positions.cursor(0))
    };
    assert_eq!(is_progress(std::slice::from_ref(&garbage)), (false, None));
    let both = [first.bytes.clone(), second.bytes, garbage];
    assert_eq!(is_progress(&both), (true, Some(second.seq - 1)));
    assert_eq!(is_progress(&[first.bytes]), (false, Some(second.seq - 1)));
}

#[test]
fn the_first_frame_after_a_cursor_shows_whether_the_sequence_continues() {
    let at = |seconds: i64| Some(FrameTime::from_micros(seconds * 1_000_000));
    let place = FramePosition {
        seq: 100,
        time: at(1_000).unwrap(),
    };
    let overlap = Duration::from_secs(60);
    for (seq, time, verdict) in [
        // What was asked for, as both kinds of servers send it.
        (99, at(999), None),
        (100, at(1_000), Some(First::Follows)),
        (100, None, Some(First::Follows)),
        // It has been dropped, but nothing after it.
        (101, at(90_000), Some(First::Follows)),
        // Gaps are usual, also when a clock is slow.
        (105, at(1_000), Some(First::Follows)),
        (105, at(1_001), Some(First::Suspect(105))),
        // What was read before, a little further on.
        (101, at(999), Some(First::Renumbered)),
        (105, at(999), Some(First::Renumbered)),
        // Other frames under seqs that are known.
        (100, at(1_001), Some(First::Renumbered)),
        (99, at(2_000), Some(First::Renumbered)),
        (7, at(2_000), Some(First::Renumbered)),
    ] {
        let judged = judge(place, 99, seq, time, overlap);
        assert_eq!(judged, verdict, "{seq} {time:?}");
    }
}
