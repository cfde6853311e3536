use super::*;

#[test]
fn where_to_read_on() {
    let bounds = |first, last| Bounds { first, last };
    for (end, held, expected) in [
        (None, bounds(1, 0), Position::Start { from: 1 }),
        (None, bounds(1, 5), Position::Start { from: 1 }),
        (None, bounds(1, 100), Position::Start { from: 91 }),
        (None, bounds(95, 100), Position::Start { from: 95 }),
        // Everything has expired.
        (None, bounds(101, 100), Position::Start { from: 101 }),
        (Some(50), bounds(1, 100), Position::Continue { from: 50 }),
        (Some(101), bounds(1, 100), Position::Continue { from: 101 }),
        (Some(50), bounds(50, 100), Position::Continue { from: 50 }),
        (
            Some(50),
            bounds(51, 100),
            Position::Lost { from: 51, lost: 1 },
        ),
        (
            Some(50),
            bounds(101, 100),
            Position::Lost {
                from: 101,
                lost: 51,
            },
        ),
        (Some(102), bounds(1, 100), Position::BeyondEnd),
        (Some(102), bounds(101, 100), Position::BeyondEnd),
    ] {
        assert_eq!(next_position(end, held, 10), expected, "{end:?} {held:?}");
    }
}
