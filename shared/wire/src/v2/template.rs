//! What is fixed in an event's two forms, so that the length of one follows from the other's.

use fanjet_event::{Action, Topic};

/// Everything before the fields of a payload, by kind.
macro_rules! head {
    ($kind:literal) => {
        concat!(
            r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#"#,
            $kind,
            r#"","#
        )
    };
}
pub(super) use head;

/// The length of an event's message, from that of its v1 JSON. `action` is that of a commit.
pub fn json_len(event_len: usize, topic: &Topic, action: Option<Action>, seq: u64) -> usize {
    let template = match (topic, action) {
        (Topic::Commit(_), Some(Action::Delete)) => &DELETE,
        (Topic::Commit(_), _) => &RECORD,
        (Topic::Identity, _) => &IDENTITY,
        (Topic::Account, _) => &ACCOUNT,
        // Frames are in another log.
        (Topic::Sync | Topic::Frame(_) | Topic::Labels(_), _) => &SYNC,
    };
    template.json_len(event_len, seq)
}

fn digits(seq: u64) -> usize {
    seq.checked_ilog10().unwrap_or(0) as usize + 1
}

/// What is fixed in an event's two forms: their lengths differ by these, and by the digits of the seq.
pub(super) struct Template {
    v1: &'static str,
    v2: &'static str,
}

impl Template {
    pub(super) fn json_len(&self, event_len: usize, seq: u64) -> usize {
        (event_len + self.v2.len() + digits(seq)).saturating_sub(self.v1.len())
    }
}

pub(super) const RECORD: Template = Template {
    v1: r#"{"did":"","time_us":0000000000000000,"kind":"commit","commit":{"rev":"","operation":"","collection":"","rkey":"","record":,"cid":""}}"#,
    v2: concat!(
        head!("commit"),
        r#""cid":"","collection":"","did":"","operation":"","record":,"rev":"","rkey":"","seq":,"time":"0000-00-00T00:00:00.000000Z"}}"#
    ),
};
pub(super) const DELETE: Template = Template {
    v1: r#"{"did":"","time_us":0000000000000000,"kind":"commit","commit":{"rev":"","operation":"","collection":"","rkey":""}}"#,
    v2: concat!(
        head!("commit"),
        r#""collection":"","did":"","operation":"","rev":"","rkey":"","seq":,"time":"0000-00-00T00:00:00.000000Z"}}"#
    ),
};
pub(super) const IDENTITY: Template = Template {
    v1: r#"{"did":"","time_us":0000000000000000,"kind":"identity","identity":}"#,
    v2: concat!(
        head!("identity"),
        r#""did":"","identity":,"seq":,"time":"0000-00-00T00:00:00.000000Z"}}"#
    ),
};
pub(super) const ACCOUNT: Template = Template {
    v1: r#"{"did":"","time_us":0000000000000000,"kind":"account","account":}"#,
    v2: concat!(
        head!("account"),
        r#""account":,"did":"","seq":,"time":"0000-00-00T00:00:00.000000Z"}}"#
    ),
};
pub(super) const SYNC: Template = Template {
    v1: r#"{"did":"","time_us":0000000000000000,"kind":"sync","sync":}"#,
    v2: concat!(
        head!("sync"),
        r#""did":"","seq":,"sync":,"time":"0000-00-00T00:00:00.000000Z"}}"#
    ),
};
