use super::*;

#[test]
fn known_seqs_are_not_reported_again() {
    let mut kind = Kind::default();
    assert_eq!(kind.note(1..2), Some(1));
    assert_eq!(kind.note(1..2), None);
    assert_eq!(kind.note(1..4), Some(3));
}
