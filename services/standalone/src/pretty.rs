//! One event as one line that a person can read.

use serde_json::Value;

/// Longest text shown of a record, in characters.
const TEXT: usize = 60;

/// `None` when it is not JSON with a `time_us`.
pub(crate) fn line(event: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(event).ok()?;
    let time_us = event["time_us"].as_u64()?;
    let did = event["did"].as_str().unwrap_or("?");
    let what = match event["kind"].as_str() {
        Some("commit") => commit(&event["commit"]),
        Some("account") => format!("account  active={}", event["account"]["active"]),
        Some("identity") => format!(
            "identity {}",
            event["identity"]["handle"].as_str().unwrap_or("")
        ),
        other => other.unwrap_or("?").to_owned(),
    };
    Some(printable(&format!("{}  {did:<32}  {what}", clock(time_us))))
}

/// Texts of strangers, without what would command a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn commit(commit: &Value) -> String {
    let text = |key: &str| commit[key].as_str().unwrap_or("?");
    let detail = summary(&commit["record"]);
    format!(
        "{:<7}  {:<28}  {detail}",
        text("operation"),
        text("collection")
    )
    .trim_end()
    .to_owned()
}

/// What a record is about: its text, its name, or what it points at.
fn summary(record: &Value) -> String {
    let subject = &record["subject"];
    let found = [
        &record["text"],
        &record["displayName"],
        &subject["uri"],
        subject,
    ]
    .into_iter()
    .find_map(Value::as_str);
    let text = found.unwrap_or_default().replace('\n', " ");
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// `hh:mm:ss.mmm`, UTC.
fn clock(time_us: u64) -> String {
    let ms = time_us / 1_000;
    let (s, m, h) = (ms / 1_000 % 60, ms / 60_000 % 60, ms / 3_600_000 % 24);
    format!("{h:02}:{m:02}:{s:02}.{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_commands_the_terminal() {
        let handle = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"identity","identity":{"handle":"a\u001b[2J\u009bb\r\n"}}"#;
        let shown = line(handle.as_bytes()).unwrap();
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }

    #[test]
    fn lines_are_short_and_say_what_happened() {
        let post = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{"rev":"x","operation":"create","collection":"app.bsky.feed.post","rkey":"y","record":{"text":"hello\nthere"},"cid":"z"}}"#;
        let shown = line(post.as_bytes()).unwrap();
        assert!(shown.starts_with("14:38:08.085  did:plc:abc "), "{shown}");
        assert!(
            shown.ends_with("create   app.bsky.feed.post            hello there"),
            "{shown}"
        );
        let delete = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{"rev":"x","operation":"delete","collection":"app.bsky.feed.like","rkey":"y"}}"#;
        assert!(
            line(delete.as_bytes())
                .unwrap()
                .ends_with("delete   app.bsky.feed.like")
        );
    }
}
