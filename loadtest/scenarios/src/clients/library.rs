//! The client libraries: what each supports, and what it returns of an event.

use serde_json::Value;

/// A foreign client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    Skyware,
    Atcute,
    JetstreamOxide,
    Rocketman,
    Websockets,
}

impl Library {
    pub(super) const ALL: [Self; 5] = [
        Self::Skyware,
        Self::Atcute,
        Self::JetstreamOxide,
        Self::Rocketman,
        Self::Websockets,
    ];

    /// Its name in the driver's arguments.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Skyware => "skyware",
            Self::Atcute => "atcute",
            Self::JetstreamOxide => "jetstream-oxide",
            Self::Rocketman => "rocketman",
            Self::Websockets => "websockets",
        }
    }

    /// Whether it, or its user, can request compression.
    pub(super) fn can_compress(self) -> bool {
        matches!(
            self,
            Self::JetstreamOxide | Self::Rocketman | Self::Websockets
        )
    }

    /// Whether it can replace its filter while connected.
    pub(super) fn can_update(self) -> bool {
        matches!(self, Self::Skyware | Self::Atcute | Self::Websockets)
    }

    /// Whether it accepts several URLs.
    pub(super) fn takes_several_urls(self) -> bool {
        matches!(self, Self::Atcute | Self::Websockets)
    }

    /// Whether it accepts prefixes as collections. jetstream-oxide's type for collections is a whole NSID.
    pub(super) fn takes_prefixes(self) -> bool {
        self != Self::JetstreamOxide
    }

    /// How far behind its last event it resumes at another URL, in microseconds.
    pub(super) fn rewinds_us(self) -> u64 {
        match self {
            Self::Atcute => 10_000_000,
            _ => 0,
        }
    }

    /// Whether it returns the event at all: the schema of atcute requires `identity.handle`.
    pub(super) fn hands_over(self, event: &Value) -> bool {
        let has_no_handle = event["kind"] == "identity" && event["identity"]["handle"].is_null();
        !(self == Self::Atcute && has_no_handle)
    }

    /// How the returned event differs from the sent one, beyond what the library is known to drop. `time_us` is
    /// compared elsewhere: each server assigns its own.
    pub(super) fn difference(self, event: &Value, got: &Value) -> Option<String> {
        let (mut event, mut got) = (event.clone(), got.clone());
        forget(&mut event, "time_us");
        forget(&mut got, "time_us");
        match self {
            Self::Skyware | Self::Atcute => {
                // All numbers of JavaScript libraries are doubles.
                as_doubles(&mut event);
                as_doubles(&mut got);
            }
            Self::Websockets => {}
            Self::Rocketman => {
                // Its structs have these keys in every event, and no account.active.
                drop_nulls(&mut got, 2);
                if let Some(account) = event.get_mut("account") {
                    forget(account, "active");
                }
            }
            Self::JetstreamOxide => {
                drop_nulls(&mut got, 2);
                leave_what_is_typed(&mut event, &mut got);
            }
        }
        (event != got).then(|| format!("expected {event}\n      got {got}"))
    }
}

/// jetstream-oxide returns records as typed by its lexicons: known fields of known records, and of others neither
/// record nor CID.
fn leave_what_is_typed(event: &mut Value, got: &mut Value) {
    let Some(got) = got.get_mut("commit") else {
        return;
    };
    let Some(event) = event.get_mut("commit") else {
        return;
    };
    let is_typed = !got["record"].is_null();
    if is_typed && is_part(&got["record"], &event["record"]) {
        got["record"] = event["record"].clone();
    }
    // All its lexicons are of app.bsky, and these records always match them.
    let is_known = ["app.bsky.feed.like", "app.bsky.graph.follow"];
    let must_be_typed = is_known.iter().any(|known| event["collection"] == *known);
    if !is_typed && !must_be_typed {
        forget(event, "record");
        forget(event, "cid");
    }
}

/// Whether `whole` contains `part`: objects may have fewer keys, nothing else may differ.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Null, _) => true,
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, value)| is_part(value, whole.get(key).unwrap_or(&Value::Null))),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(part, whole)| is_part(part, whole))
        }
        (part, whole) => part == whole,
    }
}

fn as_doubles(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.as_f64().into(),
        Value::Array(items) => items.iter_mut().for_each(as_doubles),
        Value::Object(fields) => fields.values_mut().for_each(as_doubles),
        _ => {}
    }
}

fn forget(object: &mut Value, key: &str) {
    if let Some(object) = object.as_object_mut() {
        object.remove(key);
    }
}

/// Removes keys whose value is null, down to this depth.
fn drop_nulls(value: &mut Value, levels: usize) {
    let Some(object) = value.as_object_mut().filter(|_| levels > 0) else {
        return;
    };
    object.retain(|_, value| !value.is_null());
    for value in object.values_mut() {
        drop_nulls(value, levels - 1);
    }
}
