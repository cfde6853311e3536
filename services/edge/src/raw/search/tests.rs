use proptest::prelude::*;

use super::*;

/// Searches in frames at these seqs; returns the position and the number of reads.
fn find(frames: &[(Seq, u64)], wire_seq: u64) -> (Seq, u32) {
    let (first, last) = (frames[0].0, frames[frames.len() - 1].0);
    let mut search = Search::new(wire_seq, first, last + 1);
    while let Some(guess) = search.guess() {
        let at = frames.partition_point(|(seq, _)| *seq < guess);
        search.learn(guess, frames.get(at).copied());
    }
    (search.low, search.guesses)
}

proptest! {
    /// With holes in the log and gaps of up to a billion between numbers.
    #[test]
    fn the_first_frame_that_is_not_below_is_found_in_few_reads(
        steps in prop::collection::vec((1u64..3, prop_oneof![1u64..4, 1u64..1_000_000, 1u64..1_000_000_000]), 1..2_000),
        pick in any::<prop::sample::Index>(),
        off in 0u64..3,
    ) {
        let mut frames = Vec::new();
        let (mut seq, mut wire_seq) = (7_000, 31_000_000_000);
        for (step, gap) in steps {
            seq += step;
            wire_seq += gap;
            frames.push((seq, wire_seq));
        }
        let target = frames[pick.index(frames.len())].1 + off;
        let (found, reads) = find(&frames, target);
        // Reading from there begins with the right frame.
        let expected = frames.iter().find(|(_, wire_seq)| *wire_seq >= target);
        let first = frames.iter().find(|(seq, _)| *seq >= found);
        prop_assert_eq!(first, expected);
        prop_assert!(reads <= 40, "{reads}");
    }
}
