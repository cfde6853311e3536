//! Damage with a consistent tree: the frame's operations match its tree. Only the signature is wrong.

use fanjet_event::Cid;

use crate::world::frame::{CommitFrame, RepoOp};
use crate::world::mst::Mst;

/// Replaces a record by another one, in operations and tree alike; returns the operations that bring it.
pub(super) fn replace_record(
    frame: &mut CommitFrame,
    old: Cid,
    (new, block): (Cid, Vec<u8>),
) -> Vec<usize> {
    let mut struck = Vec::new();
    for (at, op) in frame.ops.iter_mut().enumerate() {
        if op.cid == Some(old) {
            op.cid = Some(new);
            struck.push(at);
        }
    }
    rename(frame, old, new);
    frame.blocks.push((new, block));
    struck
}

/// Removes all operations and records; `count` new paths of an otherwise empty repo get one record.
pub(super) fn replace_all(frame: &mut CommitFrame, count: usize, (cid, block): (Cid, Vec<u8>)) {
    let mut tree = Mst::default();
    let paths: Vec<_> = (0..count)
        .map(|number| format!("app.bsky.feed.post/3mptbyp{number:06}"))
        .collect();
    for path in &paths {
        tree.insert(path, cid);
    }
    let data = data(frame);
    let commit = frame.commit;
    frame.blocks.retain(|(cid, _)| *cid == commit);
    if let Some(data) = data {
        rename(frame, data, tree.root_cid());
    }
    let sorted: Vec<_> = paths.iter().map(String::as_str).collect();
    tree.proof(&sorted, &mut frame.blocks);
    frame.blocks.push((cid, block));
    let op = |path| RepoOp {
        action: Some("create"),
        path,
        cid: Some(cid),
        prev: None,
    };
    frame.ops = paths.into_iter().map(op).collect();
}

/// Removes the root of the tree.
pub(super) fn drop_root(frame: &mut CommitFrame) {
    let data = data(frame);
    frame.blocks.retain(|(cid, _)| Some(*cid) != data);
}

/// The root of the tree: the block that the commit object refers to.
fn data(frame: &CommitFrame) -> Option<Cid> {
    let (_, object) = frame.blocks.iter().find(|(cid, _)| *cid == frame.commit)?;
    // Unlike records and nodes, the commit object refers to the tree and nothing else.
    let link = object.windows(Cid::LEN).find_map(Cid::from_bytes);
    link.filter(|cid| *cid != frame.commit)
}

/// Replaces one CID by another in all nodes and the commit object, and then recursively the CIDs of those.
fn rename(frame: &mut CommitFrame, old: Cid, new: Cid) {
    let (wanted, new_bytes) = (old.to_bytes(), new.to_bytes());
    let mut changed = Vec::new();
    for (cid, block) in &mut frame.blocks {
        let places = block.windows(wanted.len()).enumerate();
        let places: Vec<_> = places
            .filter(|(_, at)| *at == wanted)
            .map(|(at, _)| at)
            .collect();
        if places.is_empty() {
            continue;
        }
        for at in places {
            block[at..at + wanted.len()].copy_from_slice(&new_bytes);
        }
        let before = std::mem::replace(cid, Cid::of_dag_cbor(block));
        changed.push((before, *cid));
    }
    for (before, after) in changed {
        if frame.commit == before {
            frame.commit = after;
        }
        rename(frame, before, after);
    }
}
