use super::*;
use crate::events::commit;

#[test]
fn every_range_of_frames_equals_its_entries() {
    let found: Vec<_> = (5..12)
        .map(|seq| {
            let event = commit("app.bsky.feed.post", "did:plc:a");
            // Short and long headers.
            event.padded(seq as usize * 11_000 % 70_000).at(seq)
        })
        .collect();
    let page = Page::new(&found, 5, 12, &Mutex::new(Collections::new(10))).unwrap();
    for from in 0..=found.len() {
        for to in from..=found.len() {
            let entries = &page.entries[from..to];
            let expected: Vec<u8> = entries
                .iter()
                .flat_map(|entry| entry.frame().to_vec())
                .collect();
            assert_eq!(page.frames(from..to), expected, "{from}..{to}");
        }
    }
    for (entry, found) in page.entries.iter().zip(&found) {
        assert_eq!(entry.json(), found.body);
        assert_eq!(entry.did(), "did:plc:a");
    }
}

#[test]
fn a_body_that_is_not_an_event_is_corruption() {
    let mut bad = commit("app.bsky.feed.post", "did:plc:a").at(2);
    bad.body = Bytes::from_static(b"{}");
    let found = [commit("app.bsky.feed.post", "did:plc:a").at(1), bad];
    let error = Page::new(&found, 1, 3, &Mutex::new(Collections::new(10))).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { seq: 2, .. }), "{error}");
}
