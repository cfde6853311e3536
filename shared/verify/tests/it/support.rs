//! A world, and the answer to a frame.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_simulator::{World, WorldConfig};
use fanjet_verify::{Inversion, Opened, PublicKey, Refusal, signing_key};

/// A small world with many commits of several operations.
pub(crate) fn world(seed: u64) -> World {
    World::new(&WorldConfig {
        seed,
        accounts: 8,
        records_per_repo: 40,
        multi_op_commits: 0.4,
        ..WorldConfig::default()
    })
    .unwrap()
}

pub(crate) fn key_in(world: &World, did: &str) -> PublicKey {
    let document = world.directory().get(did).expect("a known DID");
    signing_key(did, document.as_bytes()).unwrap()
}

/// Both checks of a commit frame, in the order of the service.
pub(crate) fn check(frame: &[u8], key: &PublicKey) -> Result<Inversion, Refusal> {
    let Frame::Commit(commit) = decode_frame(frame).unwrap() else {
        panic!("no commit")
    };
    let opened = Opened::commit(&commit)?;
    opened.check_signature(key)?;
    opened.undo(&commit)
}
