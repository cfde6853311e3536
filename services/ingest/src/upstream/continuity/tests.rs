use proptest::prelude::*;

use super::*;

fn continuity(newest: Option<u64>) -> Continuity {
    Continuity::continuing(UpstreamId::new("relay").unwrap(), newest)
}

fn time(seq: u64) -> Option<FrameTime> {
    Some(FrameTime::from_micros(i64::try_from(seq % 1_000).unwrap()))
}

/// What happens to seqs: the numbering under which each is handed on, and whether it starts that numbering.
fn epochs(continuity: &mut Continuity, seqs: &[u64]) -> Vec<(u32, bool)> {
    let mut taken = Vec::new();
    for &seq in seqs {
        let begins = continuity.take(seq, time(seq)).begins;
        // Where it settles it is `main` from here on.
        taken.push((continuity.numbering().epoch, begins));
    }
    taken
}

#[test]
fn one_seq_that_is_far_off_changes_nothing_for_those_behind_it() {
    let mut continuity = continuity(Some(1_000));
    let seqs = [1_001, 1 << 62, 1_002, 1_003];
    let taken = epochs(&mut continuity, &seqs);
    assert_eq!(taken, [(0, false), (1, true), (0, false), (0, false)]);
    assert_eq!(continuity.newest(), Some(1_003));
}

#[test]
fn an_upstream_that_continues_elsewhere_is_followed() {
    for new in [26_000_000_000, 5] {
        let mut continuity = continuity(Some(17_000_000_000));
        let seqs: Vec<_> = (new..new + 5).collect();
        let settled: Vec<_> = seqs
            .iter()
            .map(|&seq| continuity.take(seq, time(seq)).is_settled)
            .collect();
        assert_eq!(settled, [false, false, true, false, false]);
        assert_eq!(continuity.newest(), Some(new + 4));
        assert_eq!(continuity.numbering().epoch, 1);
    }
}

#[test]
fn what_comes_again_is_known_and_what_was_asked_for_is_expected() {
    let mut continuity = continuity(Some(50));
    continuity.connected(Some(40));
    for seq in 40..=50 {
        let taken = continuity.take(seq, time(seq));
        assert!(!taken.is_aside && !taken.is_new, "{seq}");
    }
    assert!(continuity.take(51, time(51)).is_new);
    assert!(continuity.take(52, time(52)).is_new);
    let again = continuity.take(51, time(51));
    assert!(!again.is_aside && !again.is_new);
    // The same seq is another frame now.
    assert!(continuity.take(51, time(77)).begins);
    // Nor is any frame requested again.
    assert!(continuity.take(45, time(45)).is_aside);
}

#[test]
fn an_upstream_that_leaves_most_seqs_out_is_used_to() {
    let mut continuity = continuity(Some(0));
    let asides = (1..100)
        .filter(|n| continuity.take(n * 300_000, time(*n)).is_aside)
        .count();
    assert_eq!(asides, 3);
}

proptest! {
    /// For any seqs, each frame is handed on as new unless that very frame arrived before, and the upstream is never
    /// lost for good: once it continues in order, so does the position.
    #[test]
    fn whatever_came_the_upstream_is_followed_again(
        chaos in prop::collection::vec(any::<u64>(), 0..50),
        base in 0u64..u64::MAX / 2,
    ) {
        let mut continuity = continuity(None);
        for (n, seq) in chaos.into_iter().enumerate() {
            continuity.take(seq, time(n as u64));
        }
        let mut not_new = 0;
        for seq in base..base + 10 {
            not_new += u32::from(!continuity.take(seq, Some(FrameTime::from_micros(-1))).is_new);
        }
        prop_assert_eq!(not_new, 0);
        prop_assert_eq!(continuity.newest(), Some(base + 9));
    }
}
