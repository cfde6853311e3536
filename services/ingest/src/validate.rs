//! Turns frames into events, and decides what is dropped and why. Pure.
//!
//! Bad input affects only itself: a bad operation does not affect its siblings, and a bad frame does not affect the
//! stream. No frame, however small, produces more than [`MAX_FRAME_JSON`] bytes: many operations may name one record,
//! which is copied into each event, and one byte of CBOR can become fourteen bytes of JSON.

mod drops;
mod operation;
mod seqs;

use std::ops::Range;
use std::sync::Arc;

use fanjet_event::{Datetime, Did, Tid, Topic};
use fanjet_firehose::{
    Account, Claim, Commit, ErrorFrame, Frame, Identity, Info, Sync, decode_frame,
};
use fanjet_log::{MAX_BODY, Origin, UpstreamId};
use fanjet_wire::v1;
use smallvec::SmallVec;

pub(crate) use drops::{DropReason, Drops};
pub(crate) use seqs::{Gaps, Seqs};

use crate::filter::{Filtered, IngestFilter, Kind};
use operation::{Records, Rejection, admit};

/// The most operations in one commit: the Lexicon's bound, which relays enforce.
const MAX_OPS: u32 = 200;
/// The most bytes of JSON that one frame may produce: four times the block size that the Lexicon allows for a commit.
pub(crate) const MAX_FRAME_JSON: usize = 8_000_000;

/// The result of validating a batch of frames.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    /// The events' JSON, concatenated, with the log time not yet set.
    pub(crate) text: Vec<u8>,
    /// The events in upstream order.
    pub(crate) events: Vec<Draft>,
    /// What was dropped.
    pub(crate) drops: Drops,
    /// What the filters removed.
    pub(crate) filtered: Filtered,
    /// The seqs of all frames with a readable seq.
    pub(crate) seqs: Seqs,
    /// What the upstream reported about itself, in its own words.
    pub(crate) notices: Vec<UpstreamNotice>,
}

/// The rules that frames are validated against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission<'a> {
    /// The upstream that numbered the frames.
    pub(crate) upstream: &'a UpstreamId,
    /// Which events are kept.
    pub(crate) filter: &'a IngestFilter,
}

/// An event without a log time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The event's repo and collection.
    pub(crate) topic: Topic,
    /// The frame it came from.
    pub(crate) origin: Origin,
    /// The event's range of [`Drafts::text`].
    pub(crate) span: Range<usize>,
}

/// An info or error frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamNotice {
    /// `#info`.
    Info(String, String),
    /// An error frame. The upstream closes the connection after it.
    Error(String, String),
}

impl Drafts {
    /// Adds the events of one frame.
    pub(crate) fn admit(&mut self, frame: &[u8], admission: Admission<'_>) {
        let frame = decode_frame(frame);
        if let Some(seq) = frame.as_ref().ok().and_then(Frame::seq) {
            self.seqs.add(seq);
        }
        let outcome = match frame {
            Err(_) => Err(DropReason::Undecodable),
            Ok(Frame::Commit(commit)) => self.commit(&commit, admission),
            Ok(Frame::Identity(identity)) => self.identity(&identity, admission),
            Ok(Frame::Account(account)) => self.account(&account, admission),
            Ok(Frame::Sync(sync)) => self.sync(&sync, admission),
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

    fn commit(
        &mut self,
        commit: &Commit<'_>,
        Admission { upstream, filter }: Admission<'_>,
    ) -> Result<(), DropReason> {
        let did = Did::parse(commit.repo).map_err(|_| DropReason::InvalidDid)?;
        if let Err(by) = filter.check_frame(Kind::Commit, did) {
            self.filtered.add(by, commit.op_count().into());
            return Ok(());
        }
        if commit.too_big {
            return Err(DropReason::TooBig);
        }
        if commit.op_count() > MAX_OPS {
            return Err(DropReason::TooManyOps);
        }
        let rev = Tid::parse(commit.rev).map_err(|_| DropReason::InvalidRev)?;
        let time = shared_time(commit.time)?;
        let open = commit.open().map_err(|_| DropReason::UnreadableCar)?;
        let mut admitted = Vec::with_capacity(commit.op_count() as usize);
        for (op_index, operation) in open.operations() {
            match admit(operation, filter) {
                Ok(operation) => admitted.push((op_index, operation)),
                Err(why) => self.pass(why),
            }
        }
        let mut claims: SmallVec<[Claim<'_>; 4]> = admitted
            .iter()
            .map(|(_, operation)| operation.claim())
            .collect();
        if claims.is_empty() {
            return Ok(());
        }
        open.prove(&mut claims).map_err(|_| DropReason::BadCommit)?;
        let (text_before, events_before) = (self.text.len(), self.events.len());
        let mut records = Records::default();
        for ((op_index, operation), claim) in admitted.iter().zip(&claims) {
            let start = self.text.len();
            let written = claim
                .verdict()
                .map_err(DropReason::from)
                .and_then(|()| operation.write(&mut self.text, (did, rev), &mut records));
            if let Err(reason) = written {
                self.text.truncate(start);
                self.drops.add(reason);
                continue;
            }
            if self.text.len() - text_before > MAX_FRAME_JSON {
                self.text.truncate(text_before);
                self.events.truncate(events_before);
                return Err(DropReason::Inflated);
            }
            let origin = origin(upstream, commit.seq, (*op_index, commit.op_count()), &time);
            self.events.push(Draft {
                topic: operation.topic(),
                origin,
                span: start..self.text.len(),
            });
        }
        Ok(())
    }

    fn pass(&mut self, why: Rejection) {
        match why {
            Rejection::Dropped(reason) => self.drops.add(reason),
            Rejection::Filtered(by) => self.filtered.add(by, 1),
        }
    }

    fn identity(
        &mut self,
        identity: &Identity<'_>,
        admission: Admission<'_>,
    ) -> Result<(), DropReason> {
        let did = Did::parse(identity.did).map_err(|_| DropReason::InvalidDid)?;
        if let Err(by) = admission.filter.check_frame(Kind::Identity, did) {
            self.filtered.add(by, 1);
            return Ok(());
        }
        let time = shared_time(identity.time)?;
        body_fits(identity.handle.map_or(0, str::len))?;
        self.single(
            Topic::Identity,
            identity.seq,
            &time,
            admission.upstream,
            |text| {
                v1::write_identity(text, did, identity.handle, identity.seq, time.borrowed());
            },
        )
    }

    fn account(
        &mut self,
        account: &Account<'_>,
        admission: Admission<'_>,
    ) -> Result<(), DropReason> {
        let did = Did::parse(account.did).map_err(|_| DropReason::InvalidDid)?;
        if let Err(by) = admission.filter.check_frame(Kind::Account, did) {
            self.filtered.add(by, 1);
            return Ok(());
        }
        let time = shared_time(account.time)?;
        body_fits(account.status.map_or(0, str::len))?;
        self.single(
            Topic::Account,
            account.seq,
            &time,
            admission.upstream,
            |text| {
                v1::write_account(
                    text,
                    did,
                    account.active,
                    account.status,
                    account.seq,
                    time.borrowed(),
                );
            },
        )
    }

    fn sync(&mut self, sync: &Sync<'_>, admission: Admission<'_>) -> Result<(), DropReason> {
        let did = Did::parse(sync.did).map_err(|_| DropReason::InvalidDid)?;
        if let Err(by) = admission.filter.check_frame(Kind::Sync, did) {
            self.filtered.add(by, 1);
            return Ok(());
        }
        let rev = Tid::parse(sync.rev).map_err(|_| DropReason::InvalidRev)?;
        let time = shared_time(sync.time)?;
        body_fits(sync.blocks.len())?;
        self.single(Topic::Sync, sync.seq, &time, admission.upstream, |text| {
            v1::write_sync(text, did, rev, sync.blocks, sync.seq, time.borrowed());
        })
    }

    /// Adds the single event of a frame that is not a commit.
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

/// An upstream's message, shortened for a log line.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
