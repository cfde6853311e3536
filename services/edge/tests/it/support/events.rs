use bytes::Bytes;
use fanjet_event::{Action, Datetime, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
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
    }
}

impl Event {
    pub(crate) fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
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
                let head = v1::CommitHead {
                    did,
                    rev: rev(),
                    action: self.action,
                    collection: Nsid::parse(collection.as_str()).unwrap(),
                    rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
                };
                v1::begin_commit(&mut body, &head);
                if self.action != Action::Delete {
                    body.extend_from_slice(b"{}");
                }
                if self.padding > 0 {
                    body.extend_from_slice(format!(r#","filler":"{filler}""#).as_bytes());
                }
                v1::end_delete(&mut body);
            }
            Topic::Identity => v1::write_identity(&mut body, did, Some(&filler), seq, time),
            Topic::Account => v1::write_account(&mut body, did, true, Some(&filler), seq, time),
            Topic::Sync => v1::write_sync(&mut body, did, rev(), filler.as_bytes(), seq, time),
            // No event: there is nothing to stamp, which is noticed below.
            Topic::Frame(_) => {}
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

fn rev() -> Tid {
    Tid::parse("3mptbyp63ih2m").unwrap()
}

/// The log time of a seq: one microsecond each.
pub(crate) fn time_of(seq: u64) -> TimeUs {
    TimeUs::new(1_700_000_000_000_000 + seq).unwrap()
}
