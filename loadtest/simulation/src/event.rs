//! One event as the checks compare it: without its log time, which only the log assigns.

use anyhow::{Context, Result};
use fanjet_event::Topic;
use fanjet_log::Entry;
use fanjet_simulator::{ExpectedEvent, ExpectedKind};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) did: String,
    /// The collection of a commit; else the kind.
    pub(crate) about: String,
    /// The v1 JSON with the time 0; empty for a `#sync`, which v1 never serves.
    pub(crate) text: String,
}

impl Event {
    pub(crate) fn expected(event: &ExpectedEvent) -> Self {
        let about = match &event.kind {
            ExpectedKind::Commit { collection, .. } => collection.clone(),
            ExpectedKind::Identity { .. } => "identity".to_owned(),
            ExpectedKind::Account { .. } => "account".to_owned(),
            ExpectedKind::Sync { .. } => "sync".to_owned(),
        };
        Self {
            did: event.did.to_string(),
            about,
            text: event
                .v1_json(0)
                .and_then(|json| without_time(json.as_bytes()).ok())
                .map_or_else(String::new, |(_, text)| text),
        }
    }

    /// The event and its log time.
    pub(crate) fn logged(entry: &Entry) -> Result<(Self, u64)> {
        let (time, text) = without_time(&entry.body)?;
        let (about, text) = match &entry.topic {
            Topic::Commit(collection) => (collection.to_string(), text),
            Topic::Sync => ("sync".to_owned(), String::new()),
            other => (other.kind().to_owned(), text),
        };
        let did = entry.envelope()?.did.to_string();
        Ok((Self { did, about, text }, time))
    }

    /// Whether v1 serves it to clients of this filter.
    pub(crate) fn is_wanted(&self, filter: &Filter) -> bool {
        let by_account = filter.dids.is_empty() || filter.dids.contains(&self.did);
        let is_commit = !matches!(self.about.as_str(), "identity" | "account");
        let by_collection = !is_commit
            || filter.collections.is_empty()
            || filter
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => self.about.starts_with(prefix),
                    None => *wanted == self.about,
                });
        self.about != "sync" && by_account && by_collection
    }
}

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) collections: Vec<String>,
    pub(crate) dids: Vec<String>,
}

impl Filter {
    /// As parameters of a URL.
    pub(crate) fn query(&self) -> String {
        let collections = self.collections.iter();
        let collections = collections.map(|it| format!("wantedCollections={it}&"));
        let dids = self.dids.iter().map(|it| format!("wantedDids={it}&"));
        collections.chain(dids).collect()
    }

    /// As a message that asks for the same events, with another delay.
    pub(crate) fn update(&self, max_delay_ms: u64) -> String {
        let list = |values: &[String]| {
            let values: Vec<_> = values.iter().map(|it| format!("\"{it}\"")).collect();
            values.join(",")
        };
        format!(
            r#"{{"type":"options_update","payload":{{"wantedCollections":[{}],"wantedDids":[{}],"maxDelayMs":{max_delay_ms}}}}}"#,
            list(&self.collections),
            list(&self.dids)
        )
    }
}

/// Splits the log time off an event's JSON. The text has 0 in its place, and in place of the upstream's own seq.
pub(crate) fn without_time(json: &[u8]) -> Result<(u64, String)> {
    let (time, text) = with_zero(str::from_utf8(json)?, "\"time_us\":").context("no time_us")?;
    let is_commit = text.contains("\"kind\":\"commit\"");
    let unnumbered = (!is_commit).then(|| with_zero(&text, "\"seq\":")).flatten();
    Ok((time, unnumbered.map_or(text, |(_, text)| text)))
}

/// The number behind the first `key`, and the text with 0 in its place.
fn with_zero(text: &str, key: &str) -> Option<(u64, String)> {
    let from = text.find(key)? + key.len();
    let digits = text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let number = text[from..from + digits].parse().ok()?;
    Some((
        number,
        format!("{}0{}", &text[..from], &text[from + digits..]),
    ))
}
