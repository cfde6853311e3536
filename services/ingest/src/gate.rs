//! Which events a frame makes, and why something is dropped. Pure.
//!
//! Bad input costs no more than itself: one bad operation leaves its siblings alone, one bad frame the stream.

mod drops;

use std::ops::Range;
use std::sync::Arc;

use fanjet_event::{Action, Datetime, Did, Nsid, RecordKey, Tid, Topic};
use fanjet_firehose::{
    Account, Commit, ErrorFrame, Frame, Identity, Info, Operation, Sync, decode_frame,
    write_record_json,
};
use fanjet_log::{MAX_BODY, Origin, UpstreamId};
use fanjet_wire::v1::{self, CommitHead};

pub(crate) use drops::{DropReason, Drops};

/// What a batch of frames became.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    /// The events' JSON, one behind the other, log time not yet set.
    pub(crate) text: Vec<u8>,
    /// The events in upstream order.
    pub(crate) events: Vec<Draft>,
    /// What was dropped.
    pub(crate) drops: Drops,
    /// What the upstream said about itself, with its own words.
    pub(crate) notices: Vec<UpstreamNotice>,
}

/// One event without a log time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// What it is about.
    pub(crate) topic: Topic,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Its part of [`Drafts::text`].
    pub(crate) span: Range<usize>,
}

/// An info or error frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamNotice {
    /// `#info`.
    Info(String, String),
    /// An error frame; the upstream closes behind it.
    Error(String, String),
}

impl Drafts {
    /// Adds what one frame makes.
    pub(crate) fn admit(&mut self, frame: &[u8], upstream: &UpstreamId) {
        let outcome = match decode_frame(frame) {
            Err(_) => Err(DropReason::Undecodable),
            Ok(Frame::Commit(commit)) => self.commit(&commit, upstream),
            Ok(Frame::Identity(identity)) => self.identity(&identity, upstream),
            Ok(Frame::Account(account)) => self.account(&account, upstream),
            Ok(Frame::Sync(sync)) => self.sync(&sync, upstream),
            Ok(Frame::Unknown(_)) => Err(DropReason::UnknownType),
            Ok(Frame::Info(Info { name, message })) => {
                self.notices.push(UpstreamNotice::Info(
                    shown(name),
                    shown(message.unwrap_or_default()),
                ));
                Ok(())
            }
            Ok(Frame::Error(ErrorFrame { error, message })) => {
                self.notices.push(UpstreamNotice::Error(
                    shown(error),
                    shown(message.unwrap_or_default()),
                ));
                Ok(())
            }
        };
        if let Err(reason) = outcome {
            self.drops.add(reason);
        }
    }

    fn commit(&mut self, commit: &Commit<'_>, upstream: &UpstreamId) -> Result<(), DropReason> {
        if commit.too_big {
            return Err(DropReason::TooBig);
        }
        let did = Did::parse(commit.repo).map_err(|_| DropReason::InvalidDid)?;
        let rev = Tid::parse(commit.rev).map_err(|_| DropReason::InvalidRev)?;
        let time = shared_time(commit.time)?;
        let operations = commit.operations().map_err(|_| DropReason::UnreadableCar)?;
        for (op_index, operation) in operations {
            let start = self.text.len();
            let written = operation
                .map_err(DropReason::from)
                .and_then(|operation| write_operation(&mut self.text, did, rev, &operation));
            let topic = match written
                .and_then(|topic| body_fits(self.text.len() - start).map(|()| topic))
            {
                Ok(topic) => topic,
                Err(reason) => {
                    self.text.truncate(start);
                    self.drops.add(reason);
                    continue;
                }
            };
            let origin = origin(upstream, commit.seq, (op_index, commit.op_count()), &time);
            self.events.push(Draft {
                topic,
                origin,
                span: start..self.text.len(),
            });
        }
        Ok(())
    }

    fn identity(
        &mut self,
        identity: &Identity<'_>,
        upstream: &UpstreamId,
    ) -> Result<(), DropReason> {
        let did = Did::parse(identity.did).map_err(|_| DropReason::InvalidDid)?;
        let time = shared_time(identity.time)?;
        self.single(Topic::Identity, identity.seq, &time, upstream, |text| {
            v1::write_identity(text, did, identity.handle, identity.seq, time.borrowed());
        })
    }

    fn account(&mut self, account: &Account<'_>, upstream: &UpstreamId) -> Result<(), DropReason> {
        let did = Did::parse(account.did).map_err(|_| DropReason::InvalidDid)?;
        let time = shared_time(account.time)?;
        self.single(Topic::Account, account.seq, &time, upstream, |text| {
            v1::write_account(
                text,
                did,
                account.active,
                account.status,
                account.seq,
                time.borrowed(),
            );
        })
    }

    fn sync(&mut self, sync: &Sync<'_>, upstream: &UpstreamId) -> Result<(), DropReason> {
        let did = Did::parse(sync.did).map_err(|_| DropReason::InvalidDid)?;
        let rev = Tid::parse(sync.rev).map_err(|_| DropReason::InvalidRev)?;
        let time = shared_time(sync.time)?;
        self.single(Topic::Sync, sync.seq, &time, upstream, |text| {
            v1::write_sync(text, did, rev, sync.blocks, sync.seq, time.borrowed());
        })
    }

    /// Adds the one event of a frame that is not a commit.
    fn single(
        &mut self,
        topic: Topic,
        relay_seq: u64,
        time: &Datetime,
        upstream: &UpstreamId,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), DropReason> {
        let start = self.text.len();
        write(&mut self.text);
        if let Err(reason) = body_fits(self.text.len() - start) {
            self.text.truncate(start);
            return Err(reason);
        }
        let origin = origin(upstream, relay_seq, (0, 1), time);
        self.events.push(Draft {
            topic,
            origin,
            span: start..self.text.len(),
        });
        Ok(())
    }
}

fn write_operation(
    text: &mut Vec<u8>,
    did: Did<&str>,
    rev: Tid,
    operation: &Operation<'_>,
) -> Result<Topic, DropReason> {
    let collection =
        Nsid::parse(operation.collection).map_err(|_| DropReason::InvalidCollection)?;
    let rkey = RecordKey::parse(operation.rkey).map_err(|_| DropReason::InvalidRkey)?;
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
        (Action::Create | Action::Update, None) => return Err(DropReason::MissingCid),
    }
    Ok(Topic::Commit(collection.shared()))
}

/// The origin of operation `index` of `count`.
fn origin(
    upstream: &UpstreamId,
    relay_seq: u64,
    (op_index, op_count): (u32, u32),
    time: &Datetime,
) -> Origin {
    Origin {
        upstream: upstream.clone(),
        relay_seq,
        op_index,
        op_count,
        time: time.clone(),
    }
}

fn shared_time(time: &str) -> Result<Datetime, DropReason> {
    Datetime::parse(Arc::from(time)).map_err(|_| DropReason::InvalidTime)
}

fn body_fits(bytes: usize) -> Result<(), DropReason> {
    if bytes <= MAX_BODY {
        Ok(())
    } else {
        Err(DropReason::TooLarge)
    }
}

/// An upstream's own words, short enough for a log line.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
