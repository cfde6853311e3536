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
    let id = UpstreamId::new("relay").unwrap();
    let mut positions = Positions::continuing([&id], &Resume::default());

    let mut is_progress = |frames: &[Bytes]| {
        (
            positions.advance(0, frames).is_progress,
            positions.cursor(0),
        )
    };
    assert_eq!(is_progress(std::slice::from_ref(&garbage)), (false, None));
    let both = [first.bytes.clone(), second.bytes, garbage];
    assert_eq!(is_progress(&both), (true, Some(second.seq)));
    assert_eq!(is_progress(&[first.bytes]), (false, Some(second.seq)));
}
