use super::*;

#[test]
fn a_first_frame_that_arrives_during_the_search_is_not_skipped() {
    assert_eq!(live_at(false, None, 7), 7);
    assert_eq!(live_at(false, Some(7), 7), 7);
    assert_eq!(live_at(true, Some(9), 3), 10);
}
