//! An event of the log as the JSON that at-kafka produces. Pure: time and metadata are arguments.
//!
//! Which keys exist, their order, which are null and which are empty: all of it is at-kafka's contract, and consumers
//! depend on it.

mod names;
mod snowflake;
mod standard;
mod time;

pub use names::action_name;
pub use snowflake::snowflake;
pub use standard::{Info, Metadata, write_info, write_standard};
use time::{rfc3339, rfc3339_micros};

use crate::config::{ActionNames, FormatConfig};
use crate::event::Event;

/// How events are written.
#[derive(Debug, Clone)]
pub struct Format {
    osprey: bool,
    action_names: ActionNames,
    epoch_ms: u64,
}

impl Format {
    /// As the settings say.
    pub fn new(config: &FormatConfig) -> Self {
        Self {
            osprey: config.osprey,
            action_names: config.action_names,
            epoch_ms: config.snowflake_epoch_ms,
        }
    }

    /// What the action is called, in messages and in at-kafka's metrics.
    pub fn action_name(&self, event: &Event<'_>) -> std::borrow::Cow<'static, str> {
        action_name(event, self.action_names)
    }

    /// The message of an event. `sent_us` is when it is sent, in Unix microseconds.
    pub fn event(&self, event: &Event<'_>, metadata: Metadata<'_>, sent_us: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size(event, metadata));
        if self.osprey {
            let name = self.action_name(event);
            let id = snowflake(event.time_us, event.seq, self.epoch_ms);
            wrap(&mut out, &name, id, event.timestamp, sent_us, |out| {
                write_standard(out, event, metadata);
            });
        } else {
            write_standard(&mut out, event, metadata);
        }
        out
    }

    /// The message of what the log itself has to say. `seq` is where in the log it belongs.
    pub fn info(&self, info: &Info<'_>, seq: u64, sent_us: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if self.osprey {
            let id = snowflake(sent_us, seq, self.epoch_ms);
            let timestamp = rfc3339_micros(sent_us);
            wrap(&mut out, "info", id, &timestamp, sent_us, |out| {
                write_info(out, info)
            });
        } else {
            write_info(&mut out, info);
        }
        out
    }

    fn size(&self, event: &Event<'_>, metadata: Metadata<'_>) -> usize {
        let record = match event.what {
            crate::event::What::Commit(commit) => commit.record.map_or(0, |json| json.get().len()),
            _ => 0,
        };
        let metadata = match metadata {
            Metadata::Json(json) => json.len(),
            Metadata::Null => 4,
        };
        record + metadata + 768
    }
}

/// Osprey's envelope around an event.
fn wrap(
    out: &mut Vec<u8>,
    name: &str,
    id: u64,
    timestamp: &str,
    sent_us: u64,
    data: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(br#"{"data":{"action_name":""#);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#"","action_id":"#);
    out.extend_from_slice(id.to_string().as_bytes());
    out.extend_from_slice(br#","data":"#);
    data(out);
    out.extend_from_slice(br#","timestamp":""#);
    out.extend_from_slice(timestamp.as_bytes());
    out.extend_from_slice(br#"","secret_data":{},"encoding":"UTF8"},"send_time":""#);
    out.extend_from_slice(rfc3339(sent_us).as_bytes());
    out.extend_from_slice(br#""}"#);
}

#[cfg(test)]
mod tests;
