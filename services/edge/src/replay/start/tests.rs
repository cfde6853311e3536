use super::*;

#[test]
fn each_start_has_its_label() {
    assert_eq!(Start::Live.kind().label(), "live");
    assert_eq!(exactly(5, 5).kind().label(), "cursor");
    assert_eq!(oldest(5, 0, false).kind().label(), "oldest");
    assert_eq!(oldest(5, 3, true).kind().label(), "clamped");
}
