use super::*;

#[test]
fn the_feed_position_depends_on_ring_and_log() {
    let bounds = |first, last| Bounds { first, last };
    for (end, held, expected) in [
        (None, bounds(1, 0), FeedPosition::Start { from: 1 }),
        (None, bounds(1, 5), FeedPosition::Start { from: 1 }),
        (None, bounds(1, 100), FeedPosition::Start { from: 91 }),
        (None, bounds(95, 100), FeedPosition::Start { from: 95 }),
        // All events have expired.
        (None, bounds(101, 100), FeedPosition::Start { from: 101 }),
        (
            Some(50),
            bounds(1, 100),
            FeedPosition::Continue { from: 50 },
        ),
        (
            Some(101),
            bounds(1, 100),
            FeedPosition::Continue { from: 101 },
        ),
        (
            Some(50),
            bounds(50, 100),
            FeedPosition::Continue { from: 50 },
        ),
        (
            Some(50),
            bounds(51, 100),
            FeedPosition::Lost { from: 51, lost: 1 },
        ),
        (
            Some(50),
            bounds(101, 100),
            FeedPosition::Lost {
                from: 101,
                lost: 51,
            },
        ),
        (Some(102), bounds(1, 100), FeedPosition::BeyondEnd),
        (Some(102), bounds(101, 100), FeedPosition::BeyondEnd),
    ] {
        assert_eq!(next_position(end, held, 10), expected, "{end:?} {held:?}");
    }
}
