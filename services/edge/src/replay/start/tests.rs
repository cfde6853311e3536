use super::*;

#[test]
fn labels_tell_the_starts_apart() {
    assert_eq!(Start::Live.label(), "live");
    assert_eq!(exactly(5, 5).label(), "cursor");
    assert_eq!(oldest(5, 0, false).label(), "oldest");
    assert_eq!(oldest(5, 3, true).label(), "clamped");
}
