use proptest::prelude::*;

use super::*;

fn delivery(stream_seq: Seq, consumer_seq: u64) -> Delivery {
    Delivery {
        stream_seq,
        consumer_seq,
        pending: 0,
    }
}

#[test]
fn the_first_may_be_later_than_asked_but_only_without_filter_it_matters() {
    let unfiltered = FollowPosition::new(5, true);
    assert_eq!(unfiltered.judge(delivery(5, 1)), DeliveryCheck::Fine);
    assert_eq!(unfiltered.judge(delivery(9, 1)), DeliveryCheck::Hole);
    assert_eq!(unfiltered.judge(delivery(5, 2)), DeliveryCheck::Gap);
    // Moved back to the end of the log.
    assert_eq!(unfiltered.judge(delivery(3, 1)), DeliveryCheck::Fine);
    assert!(unfiltered.is_before_start(3) && !unfiltered.is_before_start(5));
    assert_eq!(
        FollowPosition::new(5, false).judge(delivery(9, 1)),
        DeliveryCheck::Fine
    );
}

/// The server counts deliveries: if none is missing, it had nothing in between.
#[test]
fn a_hole_is_the_servers_own() {
    let mut position = FollowPosition::new(1, true);
    position.advance(delivery(4, 1));
    assert_eq!(position.judge(delivery(5, 2)), DeliveryCheck::Fine);
    assert_eq!(position.judge(delivery(8, 2)), DeliveryCheck::Hole);
    assert_eq!(position.judge(delivery(8, 3)), DeliveryCheck::Gap);
    assert_eq!(position.judge(delivery(3, 2)), DeliveryCheck::Gap);
}

#[test]
fn a_heartbeat_reveals_lost_deliveries() {
    let mut position = FollowPosition::new(1, true);
    assert!(!position.is_behind(0));
    assert!(position.is_behind(1));
    position.advance(delivery(1, 1));
    assert!(!position.is_behind(1));
    assert!(position.is_behind(2));
}

proptest! {
    /// Whatever is missing in a run of deliveries, the next one reveals it.
    #[test]
    fn no_loss_goes_unseen(is_unfiltered: bool, steps in prop::collection::vec(1..5_u64, 2..30), lost in 1..29_usize) {
        let mut seq = 0;
        let mut position = FollowPosition::new(1, is_unfiltered);
        let deliveries: Vec<_> = steps
            .iter()
            .zip(1..)
            .map(|(step, consumer_seq)| {
                seq += if is_unfiltered { 1 } else { *step };
                delivery(seq, consumer_seq)
            })
            .collect();
        let lost = lost % deliveries.len();
        for (at, it) in deliveries.iter().enumerate() {
            if at == lost {
                continue;
            }
            if at == lost + 1 {
                prop_assert_eq!(position.judge(*it), DeliveryCheck::Gap);
                break;
            }
            prop_assert_eq!(position.judge(*it), DeliveryCheck::Fine);
            position.advance(*it);
        }
        // The last one has no successor; the heartbeat reveals its loss.
        prop_assert!(position.is_behind(deliveries.len() as u64));
    }
}
