//! What an honest host sends is proven.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_verify::{Inversion, Opened};
use proptest::prelude::*;

use crate::editable::Editable;
use crate::support::{check, key_in, world};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_honest_frame_is_proven(seed in any::<u64>()) {
        let mut world = world(seed);
        let (mut commits, mut deletes) = (0, 0);
        for _ in 0..300 {
            let frame = world.next_frame();
            match decode_frame(&frame.bytes).unwrap() {
                Frame::Commit(commit) => {
                    let key = key_in(&world, commit.repo);
                    prop_assert_eq!(check(&frame.bytes, &key), Ok(Inversion::Proven), "seq {}", frame.seq);
                    commits += 1;
                    deletes += commit.ops.listed().filter(|op| op.is_ok_and(|op| op.cid.is_none())).count();
                }
                Frame::Sync(sync) => {
                    let opened = Opened::sync(&sync).unwrap();
                    prop_assert_eq!(opened.check_signature(&key_in(&world, sync.did)), Ok(()));
                }
                _ => {}
            }
        }
        prop_assert!(commits > 200 && deletes > 0, "{} commits, {} deletes", commits, deletes);
    }
}

#[test]
fn a_frame_without_previous_records_is_unverifiable() {
    let mut world = world(1);
    let mut frame = std::iter::repeat_with(|| world.next_frame())
        .find_map(|frame| Editable::take_apart(&frame.bytes))
        .unwrap();
    frame.body.remove("prevData");
    let key = key_in(&world, frame.did());
    assert_eq!(
        check(&frame.put_together(), &key),
        Ok(Inversion::Unverifiable)
    );
}
