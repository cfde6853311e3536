//! `eventMetadata` from a directory and an API, and the deadline for it.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::Rate;
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use fanjet_testkit::name_server::Zone;
use fanjet_testkit::{KafkaServer, NameServer};
use serde_json::Value;

use crate::directory::Directory;
use crate::harness::{Running, all, append, append_posts_of, ingest, settings, simulator};

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_looked_up_once_and_their_events_carry_the_metadata() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let simulator = simulator(5, 600, Rate::Max).await;
    ingest(&simulator, 600, Arc::clone(&log)).await;
    let entries = all(&*log).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    config.enrich.plc_host = format!("http://{}", simulator.address());
    // The simulator's hosts do not exist, whatever this machine's name server responds.
    let names = NameServer::start(Zone::default()).await.unwrap();
    config.enrich.name_server = names.address().to_string();
    config.enrich.did_web.enabled = false;
    config.enrich.api_host = config.enrich.plc_host.clone();
    // No deadline applies here.
    config.enrich.deadline = Duration::from_secs(60);
    config.enrich.lookup_timeout = Duration::from_secs(60);
    let running = Running::start(&config, &log);
    running.reaches(entries.len() as u64).await;
    let count = |name, kind, status| {
        let labels = format!("{name}{{cached=\"false\",kind=\"{kind}\",status=\"{status}\"}}");
        running.counted(&labels)
    };
    let accounts: std::collections::HashSet<_> = entries
        .iter()
        .map(|entry| entry.envelope().unwrap().did.to_owned())
        .filter(|did| did.starts_with("did:plc:"))
        .collect();
    // An account whose events are all skipped is not looked up; one with an identity event is looked up again.
    let found = count("atkafka_plc_requests", "did_doc", "ok");
    let identities = entries
        .iter()
        .filter(|entry| entry.topic == fanjet_event::Topic::Identity);
    let most = accounts.len() as u64 + identities.count() as u64;
    assert!(
        (1..=most).contains(&found),
        "{found} look-ups for {} accounts",
        accounts.len()
    );
    assert!(count("atkafka_plc_requests", "audit_log", "ok") <= accounts.len() as u64);
    assert!(count("atkafka_api_requests", "profile", "ok") > 0);
    running.stop().await.unwrap();

    let read = read_all(&server.address(), &config.topic, Isolation::Committed)
        .await
        .unwrap();
    let mut enriched = 0;
    for message in &read {
        let value: Value = serde_json::from_str(&message.value).unwrap();
        let metadata = &value["eventMetadata"];
        if !message.key.starts_with("did:plc:") {
            continue;
        }
        enriched += 1;
        assert_eq!(
            metadata["didDocument"]["id"],
            message.key.as_str(),
            "{value}"
        );
        assert_eq!(metadata["pdsHost"], "https://pds.example");
        assert!(metadata["accountAge"].as_i64().unwrap() > 0);
        assert!(
            metadata["didCreatedAt"]
                .as_str()
                .unwrap()
                .starts_with("2023-")
        );
        assert_eq!(metadata["profile"]["did"], message.key.as_str());
        // These names do not exist.
        assert_eq!(metadata["handle"], "handle.invalid");
    }
    assert!(enriched > 500, "{enriched}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_ignored_hosts_are_skipped_and_unknown_hosts_pass() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let simulator = simulator(6, 200, Rate::Max).await;
    ingest(&simulator, 200, Arc::clone(&log)).await;
    let entries = all(&*log).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    config.enrich.plc_host = format!("http://{}", simulator.address());
    // The simulator's hosts do not exist, whatever this machine's name server responds.
    let names = NameServer::start(Zone::default()).await.unwrap();
    config.enrich.name_server = names.address().to_string();
    config.enrich.did_web.enabled = false;
    config.enrich.deadline = Duration::from_secs(60);
    config.enrich.lookup_timeout = Duration::from_secs(60);
    config.filter.ignored_services = ["*.example"].iter().collect();
    let running = Running::start(&config, &log);
    running.reaches(entries.len() as u64).await;
    let skipped = running.counted("fanjet_kafka_skipped_events_total{reason=\"service\"}");
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed)
        .await
        .unwrap();
    assert!(skipped > 150, "{skipped}");
    assert!(
        read.iter()
            .all(|message| message.key.starts_with("did:web:"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_delays_no_event_beyond_the_deadline() {
    let server = KafkaServer::shared().await.unwrap();
    // It accepts connections and never responds.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=20_000).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    config.enrich.plc_host = format!("http://{}", silent.local_addr().unwrap());
    config.enrich.deadline = Duration::from_millis(500);
    config.enrich.lookup_timeout = Duration::from_secs(2);
    let running = Running::start(&config, &log);
    running
        .until("it is not ready", |running| running.report().ready)
        .await;
    let begun = tokio::time::Instant::now();
    running.reaches(20_000).await;
    // All batches wait at the same time, so it takes few deadlines, not one per batch.
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed)
        .await
        .unwrap();
    assert_eq!(read.len(), 20_000);
    for message in read {
        let value: Value = serde_json::from_str(&message.value).unwrap();
        match value.get("operation") {
            Some(_) => assert_eq!(value["eventMetadata"]["accountAge"], -1),
            None => assert_eq!(value["eventMetadata"], Value::Null),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_verified_only_if_its_domain_names_the_account() {
    let server = KafkaServer::shared().await.unwrap();
    let honest = "did:plc:honesthonesthonesthonest";
    let liar = "did:plc:liarliarliarliarliarliar";
    let directory = Directory::start(&[(honest, "alice.com"), (liar, "alice.com")]).await;
    let zone = Zone::default().text("_atproto.alice.com", &format!("did={honest}"));
    let names = NameServer::start(zone).await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append_posts_of(&log, &[honest.to_owned(), liar.to_owned()]).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    config.enrich.plc_host = directory.url.clone();
    config.enrich.name_server = names.address().to_string();
    config.enrich.deadline = Duration::from_secs(60);
    config.enrich.lookup_timeout = Duration::from_secs(60);
    config.enrich.did_web.deadline = Duration::from_secs(60);
    let running = Running::start(&config, &log);
    running.reaches(2).await;
    running.stop().await.unwrap();
    // Both claim it, and it is looked up once.
    assert_eq!(names.asked(), 1);
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    for message in read.unwrap() {
        let value: Value = serde_json::from_str(&message.value).unwrap();
        let expected = match message.key == honest {
            true => "alice.com",
            false => "handle.invalid",
        };
        assert_eq!(
            value["eventMetadata"]["handle"], expected,
            "{}",
            message.key
        );
        assert_eq!(
            value["eventMetadata"]["didDocument"]["alsoKnownAs"][0],
            "at://alice.com"
        );
    }
    directory.stop().await;
}
