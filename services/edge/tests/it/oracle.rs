//! Random filters, replaced at random, over random events: every stream equals the naive model.

use fanjet_dictionaries::v2;
use fanjet_event::{Action, Topic};
use fanjet_filter::{Filter, List, SubscriberOptions, V2Options};
use fanjet_log::Entry;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Event, FaultyLog, Node, V2Client, commit, event, v2_of};

const COLLECTIONS: [&str; 6] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.graph.follow",
    "com.example.thing",
    "com.example.deep.er.thing",
    "org.other.collection",
];
const PATTERNS: [&str; 5] = [
    "app.bsky.*",
    "app.bsky.feed.*",
    "com.*",
    "com.example.deep.*",
    ".*",
];
const LAST: &str = "did:plc:last";

fn pick<'a>(random: &mut StdRng, of: &[&'a str]) -> &'a str {
    of[random.random_range(0..of.len())]
}

fn did(random: &mut StdRng) -> String {
    format!("did:plc:{}", random.random_range(0..12))
}

fn random_query(random: &mut StdRng) -> String {
    let mut query = "?".to_owned();
    for _ in 0..random.random_range(0..3) {
        query += &format!("&wantedCollections={}", pick(random, &COLLECTIONS));
    }
    for _ in 0..random.random_range(0..2) {
        query += &format!("&wantedCollections={}", pick(random, &PATTERNS));
    }
    if random.random_bool(0.4) {
        for _ in 0..random.random_range(1..5) {
            query += &format!("&wantedDids={}", did(random));
        }
        query += &format!("&wantedDids={LAST}");
    }
    if random.random_bool(0.2) {
        query += &format!("&maxMessageSizeBytes={}", random.random_range(180..400));
    }
    query += ["", "&compress=true", "&format=v0"][random.random_range(0..3)];
    for (list, values) in [
        (
            "unwantedCollections",
            &[&COLLECTIONS[..], &PATTERNS].concat()[..],
        ),
        ("unwantedDids", &["did:plc:1", "did:plc:2", "did:plc:3"]),
        ("wantedOperations", &["create", "update", "delete"]),
    ] {
        if random.random_bool(0.2) {
            query += &format!("&{list}={}", pick(random, values));
        }
    }
    if random.random_bool(0.2) {
        let kind = pick(random, &["commit", "account"]);
        // The test's markers are identity events.
        query += &format!("&wantedKinds={kind}&wantedKinds=identity");
    }
    query
}

fn random_event(random: &mut StdRng) -> Event {
    let did = did(random);
    let padding = random.random_range(0..300);
    match random.random_range(0..10) {
        0 => event(Topic::Identity, &did),
        1 => event(Topic::Account, &did),
        2 => event(Topic::Sync, &did),
        _ => {
            let actions = [Action::Create, Action::Update, Action::Delete];
            commit(pick(random, &COLLECTIONS), &did).doing(actions[random.random_range(0..3)])
        }
    }
    .padded(padding)
}

/// The model: every filter looks at every event. (The filter crate tests that filters decide correctly.)
fn expected<'a>(query: &str, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let filter = SubscriberOptions::parse(&query[1..]).unwrap().filter;
    entries
        .iter()
        .filter(|entry| {
            let envelope = entry.envelope().unwrap();
            filter.matches(
                &entry.topic,
                envelope.action,
                envelope.did,
                entry.body.len(),
            )
        })
        .collect()
}

fn random_v2_query(random: &mut StdRng, entries: usize) -> (String, usize) {
    let mut query = String::new();
    let mut lists = |list: &str, values: &[&str], most: usize| {
        for _ in 0..random.random_range(0..=most) {
            query += &format!("&{list}={}", pick(random, values));
        }
    };
    lists("collections", &COLLECTIONS, 2);
    lists(
        "collections",
        &["app.bsky.*", "app.bsky.feed.*", "com.example.*"],
        1,
    );
    lists(
        "dids",
        &["did:plc:1", "did:plc:2", "did:plc:3", "did:plc:4"],
        3,
    );
    if random.random_bool(0.3) {
        let kinds = ["identity", "account", "sync"];
        query += &format!("&kinds=commit&kinds={}", pick(random, &kinds));
    }
    if random.random_bool(0.2) {
        query += &format!("&maxMessageSizeBytes={}", random.random_range(250..600));
    }
    if random.random_bool(0.4) && entries > 0 {
        let start = random.random_range(0..entries);
        query += &format!("&cursor={}", start + 1);
        return (query, start);
    }
    (query, entries)
}

/// The same model for v2, whose limit is on its own text.
fn expected_v2<'a>(query: &str, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let filter = V2Options::parse(query, None, &[]).unwrap().filter;
    entries
        .iter()
        .filter(|entry| {
            let envelope = entry.envelope().unwrap();
            let length = v2_of(entry).to_string().len();
            filter.matches(&entry.topic, envelope.action, envelope.did, length)
        })
        .collect()
}

/// The filter as JSON.
fn payload_of(filter: &Filter) -> Value {
    let request = filter.to_request();
    let mut payload = json!({"maxMessageSizeBytes": request.max_message_bytes});
    for list in List::ALL {
        payload[list.name()] = json!(request.values(list));
    }
    payload
}

/// The update message that equals a query.
fn update(query: &str) -> String {
    let filter = SubscriberOptions::parse(&query[1..]).unwrap().filter;
    let payload = payload_of(&filter);
    format!(r#"{{"type":"options_update","payload":{payload}}}"#)
}

async fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        // Small limits, so that batches split and readers fall behind in many places.
        config.hub.flush_bytes = 2000;
        config.subscriber.catch_up_bytes = 3000;
        config.subscriber.max_pending_bytes = 1000;
        config.tail.max_collections = 4;
    })
    .await;
    let mut watcher = node.client(&format!("?wantedDids={LAST}")).await;
    let mut clients: Vec<(String, usize, Client)> = Vec::new();
    let mut v2_clients: Vec<(String, usize, V2Client)> = Vec::new();
    let mut entries = Vec::new();
    let mut updates = 0;
    for _ in 0..20 {
        for _ in 0..random.random_range(0..4) {
            let query = random_query(&mut random);
            let client = node.client(&query).await;
            clients.push((query, entries.len(), client));
        }
        for _ in 0..random.random_range(0..4) {
            let (query, start) = random_v2_query(&mut random, entries.len());
            let client = match random.random_bool(0.5) {
                true => V2Client::connect(node.addr(), &query).await,
                false => V2Client::compressed(node.addr(), &query, v2()).await,
            };
            v2_clients.push((query, start, client));
        }
        if random.random_bool(0.3) && !clients.is_empty() {
            let at = random.random_range(0..clients.len());
            clients.swap_remove(at);
        }
        if random.random_bool(0.3) {
            node.log.break_follows();
        }
        let burst = random.random_range(1..200);
        entries.extend(
            node.log
                .append((0..burst).map(|_| random_event(&mut random))),
        );
        // When the watcher has it, the hub is past it, and the model knows where a new subscriber starts.
        let marker = node.log.append([event(Topic::Identity, LAST)]);
        watcher.expect(&marker).await;
        entries.extend(marker);
        if random.random_bool(0.5) && !clients.is_empty() {
            let at = random.random_range(0..clients.len());
            let (query, start, client) = &mut clients[at];
            let wanted = expected(query, &entries[*start..]);
            // A reader that has the marker has everything before it, and the model knows where the new filter starts.
            let is_marked = wanted
                .last()
                .is_some_and(|last| last.seq == entries.len() as u64);
            if is_marked {
                client.expect(wanted).await;
                *query = random_query(&mut random);
                *start = entries.len();
                client.send(Message::Text(update(query).into())).await;
                client.send(Message::Ping("obeyed".into())).await;
                assert_eq!(client.next_message().await, Message::Pong("obeyed".into()));
                updates += 1;
            }
        }
    }
    assert!(updates > 0, "seed {seed} made no update");
    for (query, start, client) in &mut clients {
        client.expect(expected(query, &entries[*start..])).await;
    }
    for (query, start, client) in &mut v2_clients {
        client.expect(expected_v2(query, &entries[*start..])).await;
    }
}

#[tokio::test]
async fn every_stream_equals_the_model() {
    for seed in 0..4 {
        run(seed).await;
    }
}
