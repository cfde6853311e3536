//! What a frame is about, for subscribers that choose. Pure.
//!
//! A choice must never hide a frame that is part of it: what cannot be read here is in every choice. Edges know no more than
//! this, since they decode no frame.

use fanjet_event::{Did, FrameTopic, Nsid};
use fanjet_firehose::{Commit, Frame};

/// The repo, and for a commit the collections. `None` if the repo is not known.
pub(crate) fn topic_of(frame: &Frame<'_>) -> Option<FrameTopic> {
    let did = match frame {
        Frame::Commit(commit) => commit.repo,
        Frame::Identity(identity) => identity.did,
        Frame::Account(account) => account.did,
        Frame::Sync(sync) => sync.did,
        Frame::Info(_) | Frame::Error(_) | Frame::Unknown(_) => return None,
    };
    let did = Did::parse(did).ok()?.shared();
    let collections = match frame {
        Frame::Commit(commit) => collections_of(commit),
        _ => None,
    };
    match collections {
        Some(collections) => FrameTopic::commit(did, collections),
        None => FrameTopic::repo(did),
    }
}

/// The collections of all operations. `None` if one of them cannot be read, or they were left out.
fn collections_of(commit: &Commit<'_>) -> Option<Vec<Nsid>> {
    if commit.too_big {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for op in commit.ops.listed() {
        let name = op.ok()?.collection;
        // Most commits have one collection.
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MOST {
            return None;
        }
    }
    let parse = |name| Nsid::parse(name).ok().map(|name: Nsid<&str>| name.shared());
    names.into_iter().map(parse).collect()
}

/// More of them have no room in a [`FrameTopic`]: the shortest has five bytes, and a comma.
const MOST: usize = FrameTopic::MAX_BYTES / 6;

#[cfg(test)]
mod tests;
