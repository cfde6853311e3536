use proptest::prelude::*;

use super::*;

fn plan(after: u64, before: Option<u64>) -> PlanRequest {
    PlanRequest {
        filter: fanjet_filter::Filter::default(),
        after,
        before,
    }
}

/// Events 200 and later are kept, those up to 240 may expire soon.
const BOUNDS: PlanBounds = PlanBounds {
    floor: 200,
    through: 240,
};

#[test]
fn a_plan_reaches_up_to_what_its_client_has_if_that_is_kept() {
    for (after, expected) in [
        (0, 240),
        (50, 240),
        (198, 240),
        (199, 199),
        (200, 200),
        (239, 239),
        (240, 240),
        (300, 240),
    ] {
        assert_eq!(through(&plan(after, None), BOUNDS), expected, "{after}");
    }
    assert_eq!(through(&plan(0, Some(220)), BOUNDS), 220);
    assert_eq!(through(&plan(210, Some(220)), BOUNDS), 210);
}

proptest! {
    /// A client continues at the larger of the plan's end and what it has. Of the kept events it misses only those that may expire
    /// before it connects, and those only if it has missed others already or asked for everything.
    #[test]
    fn no_kept_event_is_skipped_by_a_client_that_missed_none(
        floor in 1_u64..1000,
        margin in 0_u64..1000,
        after in 1_u64..3000,
    ) {
        let bounds = PlanBounds { floor, through: floor - 1 + margin };
        let cursor = through(&plan(after, None), bounds).max(after);
        if after + 1 >= floor {
            prop_assert_eq!(cursor, after);
        } else {
            prop_assert_eq!(cursor, bounds.through);
        }
    }
}
