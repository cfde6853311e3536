use super::*;

#[test]
fn what_is_known_is_not_told_again() {
    let mut kind = Kind::default();
    assert_eq!(kind.note(1..2), Some(1));
    assert_eq!(kind.note(1..2), None);
    assert_eq!(kind.note(1..4), Some(3));
}
