use proptest::prelude::*;

use super::*;

fn did(text: &str) -> Did {
    text.parse().unwrap()
}

fn names(texts: &[&str]) -> Vec<Nsid> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn the_text_is_for_people_too() {
    let repo = FrameTopic::repo(did("did:plc:a")).unwrap();
    assert_eq!(repo.to_string(), "did:plc:a");
    let empty = FrameTopic::commit(did("did:plc:a"), Vec::new()).unwrap();
    assert_eq!(empty.to_string(), "did:plc:a;");
    let listed = names(&[
        "app.bsky.feed.post",
        "app.bsky.feed.like",
        "app.bsky.feed.post",
    ]);
    let commit = FrameTopic::commit(did("did:web:a.b"), listed).unwrap();
    assert_eq!(
        commit.to_string(),
        "did:web:a.b;app.bsky.feed.like,app.bsky.feed.post"
    );
    for topic in [repo, empty, commit] {
        assert_eq!(FrameTopic::parse(&topic.to_string()), Some(topic));
    }
}

#[test]
fn other_texts_are_refused() {
    let long = format!("did:plc:{}", "a".repeat(FrameTopic::MAX_BYTES));
    for text in [
        "",
        ";",
        "did",
        "did:plc:a;b",
        "did:plc:a;,",
        "did:plc:a;app.bsky.feed.like,",
        "did:plc:a;app.bsky.feed.post,app.bsky.feed.like",
        "did:plc:a;app.bsky.feed.like;",
        &long,
    ] {
        assert_eq!(FrameTopic::parse(text), None, "{text:?}");
    }
}

proptest! {
    /// What has no room is never left out in silence: the commit is then in every collection, and a repo that has none is unknown.
    #[test]
    fn it_is_bounded_and_read_as_written(
        id in "[a-z0-9]{1,600}",
        texts in prop::collection::vec("[a-z]{1,40}\\.[a-z]{1,60}\\.[a-zA-Z]{1,60}", 0..12),
    ) {
        let did = did(&format!("did:plc:{id}"));
        let listed: Vec<Nsid> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let topic = FrameTopic::commit(did.clone(), listed.clone());
        prop_assert_eq!(topic.is_some(), did.as_str().len() <= FrameTopic::MAX_BYTES);
        if let Some(topic) = topic {
            let text = topic.to_string();
            prop_assert!(text.len() <= FrameTopic::MAX_BYTES);
            prop_assert_eq!(text.len(), topic.bytes());
            prop_assert_eq!(FrameTopic::parse(&text), Some(topic.clone()));
            prop_assert_eq!(topic.did(), &did);
            if let Some(kept) = topic.collections() {
                prop_assert!(listed.iter().all(|name| kept.contains(name)));
                prop_assert!(kept.iter().all(|name| listed.contains(name)));
            }
        }
    }
}
