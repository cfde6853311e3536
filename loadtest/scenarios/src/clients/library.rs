//! The client libraries: what each supports, and what it returns of an event.

use serde_json::{Value, json};

/// A foreign client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    Skyware,
    Atcute,
    JetstreamOxide,
    Rocketman,
    Websockets,
    /// The Python SDK's client of Jetstream v2.
    Atproto,
    /// Its asynchronous twin.
    AtprotoAsync,
}

impl Library {
    pub(super) const ALL: [Self; 7] = [
        Self::Skyware,
        Self::Atcute,
        Self::JetstreamOxide,
        Self::Rocketman,
        Self::Websockets,
        Self::Atproto,
        Self::AtprotoAsync,
    ];

    /// Its name in the driver's arguments.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Skyware => "skyware",
            Self::Atcute => "atcute",
            Self::JetstreamOxide => "jetstream-oxide",
            Self::Rocketman => "rocketman",
            Self::Websockets => "websockets",
            Self::Atproto => "atproto",
            Self::AtprotoAsync => "atproto-async",
        }
    }

    /// Whether it, or its user, can request compression.
    pub(super) fn can_compress(self) -> bool {
        matches!(
            self,
            Self::JetstreamOxide
                | Self::Rocketman
                | Self::Websockets
                | Self::Atproto
                | Self::AtprotoAsync
        )
    }

    /// Whether it speaks v2 only.
    pub(super) fn speaks_v2(self) -> bool {
        matches!(self, Self::Atproto | Self::AtprotoAsync)
    }

    /// Whether it drops what it has returned before, and so hides where it resumed.
    pub(super) fn hides_repetitions(self) -> bool {
        self.speaks_v2()
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
            Self::Atproto | Self::AtprotoAsync => {
                got = v1_of(got);
                forget(&mut got, "time_us");
                drop_added_types(&mut got, &event);
            }
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

/// An event of v2 in the form of v1, as far as the library returned it.
pub(super) fn v1_of(event: Value) -> Value {
    let Value::Object(mut event) = event else {
        return event;
    };
    let mut take = |key: &str| event.remove(key).unwrap_or_default();
    let kind = take("$type");
    let kind = kind.as_str().and_then(|kind| kind.rsplit('#').next());
    let kind = kind.unwrap_or_default().to_owned();
    let (did, time_us) = (take("did"), take("time_us"));
    let (_, _) = (take("seq"), take("time"));
    let body = match kind.as_str() {
        "commit" => Value::Object(event),
        other => take(other),
    };
    json!({"did": did, "time_us": time_us, "kind": kind, (kind): body})
}

/// The SDK's models name their types also where the event does not.
fn drop_added_types(got: &mut Value, event: &Value) {
    match (got, event) {
        (Value::Object(got), Value::Object(event)) => {
            if !event.contains_key("$type") {
                got.remove("$type");
            }
            for (key, value) in got {
                drop_added_types(value, event.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(got), Value::Array(event)) => {
            for (got, event) in got.iter_mut().zip(event) {
                drop_added_types(got, event);
            }
        }
        _ => {}
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
