//! What identifies an event, or a raw frame, when another upstream sends it.

use fanjet_event::{Tid, Topic};
use fanjet_firehose::{Frame, decode_frame};
use fanjet_wire::envelope::Subject;

/// The kind of an entry's event or frame, and its repo. `None` when the body has none: a frame of an unknown type.
pub(crate) fn subject_of<'a>(topic: &Topic, body: &'a [u8]) -> Option<(&'static str, Subject<'a>)> {
    match topic {
        Topic::Frame(_) => subject_of_frame(&decode_frame(body).ok()?),
        _ => Some((topic.kind(), Subject::of(body)?)),
    }
}

/// As [`subject_of`], of a decoded frame.
pub(crate) fn subject_of_frame<'a>(frame: &Frame<'a>) -> Option<(&'static str, Subject<'a>)> {
    let other = |did| Subject { did, rev: None };
    Some(match frame {
        Frame::Commit(commit) => {
            let rev = Tid::parse(commit.rev).ok();
            let did = commit.repo;
            ("commit", Subject { did, rev })
        }
        Frame::Identity(identity) => ("identity", other(identity.did)),
        Frame::Account(account) => ("account", other(account.did)),
        Frame::Sync(sync) => ("sync", other(sync.did)),
        Frame::Info(_) | Frame::Error(_) | Frame::Unknown(_) => return None,
    })
}
