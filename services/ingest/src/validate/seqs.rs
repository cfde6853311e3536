//! Which seqs arrived, and which are missing.

/// The seqs of consecutive frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seqs {
    first: Option<u64>,
    last: Option<u64>,
    gaps: Gaps,
}

/// Seqs that never arrived. Relays skip some without a loss; unreadable frames are among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// How often a frame's seq was not the next one.
    pub(crate) gaps: u64,
    /// How many seqs were skipped by these gaps.
    pub(crate) missed: u64,
}

impl Seqs {
    /// Records a frame's seq. Repeats and steps back are not gaps.
    pub(crate) fn add(&mut self, seq: u64) {
        self.join(Self {
            first: Some(seq),
            last: Some(seq),
            gaps: Gaps::default(),
        });
    }

    /// Adds the seqs that followed these.
    pub(crate) fn join(&mut self, later: Self) {
        if let (Some(last), Some(first)) = (self.last, later.first) {
            let missed = first.saturating_sub(last.saturating_add(1));
            self.gaps.gaps += u64::from(missed > 0);
            self.gaps.missed += missed;
        }
        self.gaps.gaps += later.gaps.gaps;
        self.gaps.missed += later.gaps.missed;
        self.first = self.first.or(later.first);
        self.last = self.last.max(later.last);
    }

    /// Takes the gaps found since the last call.
    pub(crate) fn take_gaps(&mut self) -> Gaps {
        std::mem::take(&mut self.gaps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expected_10_got_15_and_expected_20_got_21_are_2_gaps_of_6() {
        let mut seqs = Seqs::default();
        for seq in [9, 15, 16, 17, 18, 19, 21] {
            seqs.add(seq);
        }
        assert_eq!(seqs.take_gaps(), Gaps { gaps: 2, missed: 6 });
        assert_eq!(seqs.take_gaps(), Gaps::default());
    }

    proptest! {
        /// Splitting a stream into batches differently finds the same gaps.
        #[test]
        fn cutting_does_not_matter(steps in prop::collection::vec(0u64..4, 1..60), cuts in prop::collection::vec(1usize..9, 1..9)) {
            let seqs: Vec<u64> = steps.iter().scan(100, |seq, step| { *seq += step; Some(*seq) }).collect();
            let mut whole = Seqs::default();
            for &seq in &seqs {
                whole.add(seq);
            }
            let mut joined = Seqs::default();
            let mut rest = &seqs[..];
            for &cut in cuts.iter().cycle() {
                let (batch, behind) = rest.split_at(cut.min(rest.len()));
                let mut part = Seqs::default();
                for &seq in batch {
                    part.add(seq);
                }
                joined.join(part);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(joined, whole);
            let missed: u64 = steps[1..].iter().map(|step| step.saturating_sub(1)).sum();
            prop_assert_eq!(whole.gaps.missed, missed);
        }
    }
}
