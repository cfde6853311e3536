use fanjet_simulator::{World, WorldConfig};

use super::*;

#[test]
fn only_new_seqs_are_progress() {
    let config = WorldConfig {
        accounts: 5,
        did_web_accounts: 0,
        records_per_repo: 2,
        ..WorldConfig::default()
    };
    let mut world = World::new(&config).unwrap();
    let (first, second) = (world.next_frame(), world.next_frame());
    let garbage = Bytes::from_static(b"garbage");
    let mut position = Position::behind(None);

    assert!(!position.advance(std::slice::from_ref(&garbage)));
    assert_eq!(position.cursor(), None);
    assert!(position.advance(&[first.bytes.clone(), second.bytes, garbage]));
    assert_eq!(position.cursor(), Some(second.seq));
    assert!(!position.advance(&[first.bytes]));
    assert_eq!(position.cursor(), Some(second.seq));
}
