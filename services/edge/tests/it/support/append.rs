use fanjet_log::{Entry, EventLog, NewEvent};

use super::commit;

/// Appends posts at a log's end, each with this much filler; returns their entries.
pub(crate) async fn append(log: &dyn EventLog, count: u64, padding: usize) -> Vec<Entry> {
    let end = log.bounds().await.unwrap().last;
    let entries: Vec<_> = (end + 1..=end + count)
        .map(|seq| {
            commit("app.bsky.feed.post", "did:plc:a")
                .padded(padding)
                .at(seq)
        })
        .collect();
    let events: Vec<_> = entries
        .iter()
        .map(|entry| NewEvent {
            topic: entry.topic.clone(),
            origin: entry.origin.clone(),
            body: entry.body.clone(),
            trace: None,
        })
        .collect();
    let mut appender = log.appender(end).await.unwrap();
    appender.append(&events).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), end + count);
    entries
}
