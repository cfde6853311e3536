//! One operation of a commit: what is checked, and what is written.

use fanjet_event::{Action, Did, Nsid, RecordKey, Tid, Topic};
use fanjet_firehose::{Operation, write_record_json};
use fanjet_wire::v1::{self, CommitHead};

use super::DropReason;
use crate::filter::{FilteredBy, IngestFilter};

/// Why an operation makes no event.
pub(super) enum Passed {
    Dropped(DropReason),
    Filtered(FilteredBy),
}

impl<T: Into<DropReason>> From<T> for Passed {
    fn from(reason: T) -> Self {
        Self::Dropped(reason.into())
    }
}

/// Writes the event of one operation, log time not yet set; says what it is about. What stands in `text` after a refusal
/// means nothing.
pub(super) fn write_operation(
    text: &mut Vec<u8>,
    (did, rev): (Did<&str>, Tid),
    operation: &Operation<'_>,
    filter: &IngestFilter,
) -> Result<Topic, Passed> {
    let collection =
        Nsid::parse(operation.collection).map_err(|_| DropReason::InvalidCollection)?;
    let rkey = RecordKey::parse(operation.rkey).map_err(|_| DropReason::InvalidRkey)?;
    filter
        .judge_collection(collection)
        .map_err(Passed::Filtered)?;
    v1::begin_commit(
        text,
        &CommitHead {
            did,
            rev,
            action: operation.action,
            collection,
            rkey,
        },
    );
    match (operation.action, operation.content) {
        (Action::Delete, _) => v1::end_delete(text),
        (Action::Create | Action::Update, Some(content)) => {
            write_record_json(content.record, text).map_err(|_| DropReason::InvalidRecord)?;
            v1::end_commit(text, content.cid);
        }
        (Action::Create | Action::Update, None) => return Err(DropReason::MissingCid.into()),
    }
    Ok(Topic::Commit(collection.shared()))
}
