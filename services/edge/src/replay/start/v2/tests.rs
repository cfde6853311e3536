use super::*;

fn at(seq: Seq) -> V2Start {
    V2Start::At(exactly(seq, seq))
}

const TOO_OLD: V2Start = V2Start::TooOld { floor: 200 };

/// Catalogue 19 to 21.
#[test]
fn a_seq_is_accepted_or_refused_by_what_is_kept() {
    let kept = Bounds {
        first: 200,
        last: 300,
    };
    for (cursor, expected) in [
        (250, at(250)),
        (300, at(300)),
        (301, at(301)),
        (999_999, at(301)),
        (200, at(200)),
        (199, at(200)),
        (198, TOO_OLD),
        (50, TOO_OLD),
        (1, TOO_OLD),
        (0, TOO_OLD),
    ] {
        assert_eq!(place(cursor, kept), expected, "{cursor}");
    }
}

#[test]
fn everything_is_everything_of_a_log_that_has_lost_nothing() {
    let whole = Bounds {
        first: 1,
        last: 100,
    };
    assert_eq!(place(0, whole), at(1));
    assert_eq!(place(1, whole), at(1));
    // A log of today begins far above 1, so that cursors of an earlier one are too old.
    let first = first_seq(1_783_175_887_000_000);
    let new = Bounds {
        first,
        last: first + 99,
    };
    for everything in [0, 1] {
        assert_eq!(
            place(everything, new),
            V2Start::At(oldest(first, first, false))
        );
    }
    for earlier in [2, 50, first - 2] {
        assert_eq!(place(earlier, new), V2Start::TooOld { floor: first });
    }
    assert_eq!(place(first - 1, new), at(first));
    let expired = Bounds {
        first: first + 7,
        ..new
    };
    assert_eq!(place(0, expired), V2Start::TooOld { floor: first + 7 });
}

#[test]
fn an_empty_log_starts_with_what_comes() {
    for first in [1, 201, first_seq(1_783_175_887_000_000)] {
        let empty = Bounds {
            first,
            last: first - 1,
        };
        for cursor in [0, 1, first - 1, first, first + 9] {
            assert_eq!(place(cursor, empty), at(first), "{cursor} of {first}");
        }
    }
}
