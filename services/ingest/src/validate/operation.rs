//! One operation of a commit: how it is validated and written.

use std::ops::Range;

use fanjet_event::{Action, Cid, Did, Nsid, RecordKey, Tid, Topic};
use fanjet_firehose::{Claim, OpError, Operation, RecordError, write_record_json_within};
use fanjet_log::MAX_BODY;
use fanjet_wire::v1::{self, CommitHead};
use smallvec::SmallVec;

use super::DropReason;
use crate::filter::{FilteredBy, IngestFilter};

/// The most bytes of an event besides its record: the DID, path, CID and the keys around them are shorter.
const MAX_ENVELOPE: usize = 4_096;

/// Why an operation produces no event.
pub(super) enum Rejection {
    Dropped(DropReason),
    Filtered(FilteredBy),
}

impl<T: Into<DropReason>> From<T> for Rejection {
    fn from(reason: T) -> Self {
        Self::Dropped(reason.into())
    }
}

/// An operation that is valid and wanted, judging by its own fields.
pub(super) struct ValidOperation<'a> {
    operation: Operation<'a>,
    collection: Nsid<&'a str>,
    rkey: RecordKey<&'a str>,
}

/// Validates an operation's names, and checks whether the filters keep it.
pub(super) fn admit<'a>(
    operation: Result<Operation<'a>, OpError>,
    filter: &IngestFilter,
) -> Result<ValidOperation<'a>, Rejection> {
    let operation = operation?;
    let collection =
        Nsid::parse(operation.collection).map_err(|_| DropReason::InvalidCollection)?;
    let rkey = RecordKey::parse(operation.rkey).map_err(|_| DropReason::InvalidRkey)?;
    filter
        .check_collection(collection)
        .map_err(Rejection::Filtered)?;
    Ok(ValidOperation {
        operation,
        collection,
        rkey,
    })
}

impl<'a> ValidOperation<'a> {
    /// What the repo's tree must contain.
    pub(super) fn claim(&self) -> Claim<'a> {
        let record = self.operation.content.map(|content| content.cid);
        Claim::new(self.operation.path, record)
    }

    pub(super) fn topic(&self) -> Topic {
        Topic::Commit(self.collection.shared())
    }

    /// Writes the event with the log time not yet set. After an error, the contents of `text` are undefined.
    pub(super) fn write(
        &self,
        text: &mut Vec<u8>,
        (did, rev): (Did<&str>, Tid),
        records: &mut Records,
    ) -> Result<(), DropReason> {
        let action = self.operation.action;
        v1::begin_commit(
            text,
            &CommitHead {
                did,
                rev,
                action,
                collection: self.collection,
                rkey: self.rkey,
            },
        );
        match (action, self.operation.content) {
            (Action::Delete, _) => v1::end_delete(text),
            (Action::Create | Action::Update, Some(content)) => {
                records.write(text, content.cid, content.record)?;
                v1::end_commit(text, content.cid);
            }
            (Action::Create | Action::Update, None) => return Err(DropReason::MissingCid),
        }
        Ok(())
    }
}

/// The records that one frame has written to its text. A record that is referenced again is copied.
#[derive(Default)]
pub(super) struct Records(SmallVec<[(Cid, Written); 2]>);

type Written = Result<Range<usize>, DropReason>;

impl Records {
    fn write(&mut self, text: &mut Vec<u8>, cid: Cid, record: &[u8]) -> Result<(), DropReason> {
        let known = self.0.iter().find(|(known, _)| *known == cid);
        if let Some((_, written)) = known {
            text.extend_from_within(written.clone()?);
            return Ok(());
        }
        let start = text.len();
        let written = write_record_json_within(MAX_BODY - MAX_ENVELOPE, record, text)
            .map(|()| start..text.len())
            .map_err(|error| match error {
                RecordError::JsonTooLarge => DropReason::TooLarge,
                _ => DropReason::InvalidRecord,
            });
        self.0.push((cid, written.clone()));
        written.map(drop)
    }
}
