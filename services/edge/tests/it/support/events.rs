use bytes::Bytes;
use fanjet_event::{Action, Cid, Datetime, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
use fanjet_log::{Entry, Origin, UpstreamId};
use fanjet_wire::v1;

/// One event before the log assigns its seq.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) topic: Topic,
    pub(crate) did: String,
    /// What a commit does.
    pub(crate) action: Action,
    /// Length of the filler in the JSON.
    pub(crate) padding: usize,
    /// The record of a create or an update.
    pub(crate) record: Option<String>,
}

pub(crate) fn commit(collection: &str, did: &str) -> Event {
    event(Topic::Commit(collection.parse().unwrap()), did)
}

pub(crate) fn event(topic: Topic, did: &str) -> Event {
    Event {
        topic,
        did: did.to_owned(),
        action: Action::Delete,
        padding: 0,
        record: None,
    }
}

impl Event {
    pub(crate) fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    pub(crate) fn with_record(mut self, json: &str) -> Self {
        self.record = Some(json.to_owned());
        self
    }

    pub(crate) fn doing(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// The entry at `seq`, as ingest would have written it.
    pub(crate) fn at(&self, seq: u64) -> Entry {
        let did = Did::parse(self.did.as_str()).unwrap();
        let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
        let filler = noise(seq, self.padding);
        let mut body = Vec::new();
        match &self.topic {
            Topic::Commit(collection) => {
                // A delete has no place for a filler.
                let action = match self.action {
                    Action::Delete if self.padding > 0 => Action::Create,
                    action => action,
                };
                let head = v1::CommitHead {
                    did,
                    rev: rev(),
                    action,
                    collection: Nsid::parse(collection.as_str()).unwrap(),
                    rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
                };
                v1::begin_commit(&mut body, &head);
                match action {
                    Action::Delete => v1::end_delete(&mut body),
                    _ => {
                        let record = match &self.record {
                            Some(record) => record.clone(),
                            None if self.padding > 0 => format!(r#"{{"filler":"{filler}"}}"#),
                            None => "{}".to_owned(),
                        };
                        body.extend_from_slice(record.as_bytes());
                        v1::end_commit(&mut body, cid());
                    }
                }
            }
            Topic::Identity => v1::write_identity(&mut body, did, Some(&filler), seq, time),
            Topic::Account => v1::write_account(&mut body, did, true, Some(&filler), seq, time),
            Topic::Sync => v1::write_sync(&mut body, did, rev(), filler.as_bytes(), seq, time),
            // No event: there is nothing to stamp, which is noticed below.
            Topic::Frame(_) | Topic::Labels(_) => {}
        }
        assert!(v1::stamp(&mut body, time_of(seq)));
        Entry {
            trace: None,
            seq,
            topic: self.topic.clone(),
            origin: Origin {
                upstream: UpstreamId::new("relay.test").unwrap(),
                relay_seq: seq,
                op_index: 0,
                op_count: 1,
                time: time.shared(),
            },
            body: Bytes::from(body),
        }
    }
}

/// Letters that do not compress well, so that padded events stay large.
fn noise(seed: u64, len: usize) -> String {
    let mut state = seed;
    let letter = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        char::from(b'A' + (state >> 60) as u8)
    };
    std::iter::repeat_with(letter).take(len).collect()
}

fn cid() -> Cid {
    Cid::parse("bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy").unwrap()
}

fn rev() -> Tid {
    Tid::parse("3mptbyp63ih2m").unwrap()
}

/// The log time of a seq: one microsecond each.
pub(crate) fn time_of(seq: u64) -> TimeUs {
    TimeUs::new(1_700_000_000_000_000 + seq).unwrap()
}
