use fanjet_event::{Action, Topic};
use fanjet_log::Entry;

use super::{LIKE, POST, refusal};
use crate::support::{Node, V2Client, commit, event, v2_of};

const ONE: &str = "did:plc:one";
const OTHER: &str = "did:plc:other";

type IsWanted = fn(&Entry) -> bool;

/// 12 to 14, 17: every event of each kind, then one that all of these filters want.
#[tokio::test]
async fn each_filter_gets_its_events_and_no_other() {
    let node = Node::start().await;
    let cases: [(&str, IsWanted); 10] = [
        ("", |_| true),
        ("kinds=commit", |entry| {
            matches!(entry.topic, Topic::Commit(_))
        }),
        ("kinds=sync", |entry| entry.topic == Topic::Sync),
        ("kinds=identity&kinds=account", |entry| {
            matches!(entry.topic, Topic::Identity | Topic::Account)
        }),
        ("dids=did:plc:one", |entry| {
            v2_of(entry)["payload"]["did"] == ONE
        }),
        ("dids=did:plc:one&kinds=sync", |entry| {
            entry.topic == Topic::Sync && v2_of(entry)["payload"]["did"] == ONE
        }),
        ("collections=app.bsky.feed.*", |entry| match &entry.topic {
            Topic::Commit(name) => name.as_str().starts_with("app.bsky.feed."),
            _ => true,
        }),
        ("collections=app.bsky.feed.like", |entry| {
            match &entry.topic {
                Topic::Commit(name) => name.as_str() == LIKE,
                _ => true,
            }
        }),
        (
            "collections=app.bsky.feed.like&kinds=commit",
            |entry| matches!(&entry.topic, Topic::Commit(name) if name.as_str() == LIKE),
        ),
        ("dids=did:plc:one&collections=app.bsky.feed.post", |entry| {
            let is_ones = v2_of(entry)["payload"]["did"] == ONE;
            is_ones && !matches!(&entry.topic, Topic::Commit(name) if name.as_str() != POST)
        }),
    ];
    let mut clients = Vec::new();
    for (query, _) in &cases {
        clients.push(V2Client::connect(node.addr(), query).await);
    }
    let mut v1 = node.client("").await;
    let mut all = Vec::new();
    for did in [OTHER, ONE] {
        all.extend(node.log.append([
            commit(POST, did).doing(Action::Create),
            commit(LIKE, did),
            commit("app.bsky.feedx.y", did).doing(Action::Update),
            event(Topic::Identity, did),
            event(Topic::Account, did),
            event(Topic::Sync, did),
        ]));
    }
    // In every case the last of its events is one of the other batch, so nothing unwanted was between.
    for ((_, is_wanted), client) in cases.iter().zip(&mut clients) {
        client
            .expect(all.iter().filter(|entry| is_wanted(entry)))
            .await;
    }
    // 36.
    v1.expect(all.iter().filter(|entry| entry.topic != Topic::Sync))
        .await;
}

/// 15, 16, 18.
#[tokio::test]
async fn refused_filters_name_the_value() {
    let node = Node::start().await;
    let many = vec!["dids=did:plc:a"; 3_000].join("&");
    for (query, text) in [
        ("kinds=Commit", "unknown kind \"Commit\""),
        ("kinds=", "unknown kind \"\""),
        ("collections=app.*", "invalid collection wildcard: app.*"),
        ("collections=a..b.*", "invalid collection wildcard: a..b.*"),
        ("collections=a.b.c&kinds=identity", "can never apply"),
        ("maxMessageSizeBytes=", "must be one unsigned"),
        ("maxMessageSizeBytes=x", "invalid maxMessageSizeBytes \"x\""),
    ] {
        let (status, name, message) = refusal(&node, query).await;
        assert_eq!((status, &*name), (400, "InvalidRequest"));
        assert!(message.contains(text), "{message}");
    }
    let _open = V2Client::connect(node.addr(), &many).await;
}

/// 18: the limit is on the text of v2, whatever is sent.
#[tokio::test]
async fn a_size_limit_is_on_the_text() {
    let node = Node::start().await;
    let small = commit(POST, ONE);
    for large in [
        commit(POST, ONE).padded(500),
        event(Topic::Identity, ONE).padded(500),
        event(Topic::Account, ONE).padded(500),
        event(Topic::Sync, ONE).padded(500),
    ] {
        let seq = node.log.last() + 1;
        let limit = v2_of(&large.at(seq)).to_string().len();
        let (fits, less) = (
            format!("maxMessageSizeBytes={limit}"),
            format!("maxMessageSizeBytes={}", limit - 1),
        );
        let dictionary = fanjet_dictionaries::v2();
        let mut fits_text = V2Client::connect(node.addr(), &fits).await;
        let mut fits_zstd = V2Client::compressed(node.addr(), &fits, dictionary).await;
        let mut less_text = V2Client::connect(node.addr(), &less).await;
        let mut less_zstd = V2Client::compressed(node.addr(), &less, dictionary).await;
        let mut less_behind = V2Client::connect(node.addr(), &format!("{less}&cursor={seq}")).await;
        let both = node.log.append([large, small.clone()]);
        fits_text.expect(&both).await;
        fits_zstd.expect(&both).await;
        less_text.expect(&both[1..]).await;
        less_zstd.expect(&both[1..]).await;
        less_behind.expect(&both[1..]).await;
    }
}
