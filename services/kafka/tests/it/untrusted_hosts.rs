//! DID documents on untrusted hosts: each is requested once, trusted only for its own account, and never at a private address.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_runtime::{OnFailure, Stop, Tasks};
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{PATIENCE, Running, append_posts_of, settings};

/// How a host responds.
#[derive(Debug, Clone)]
enum Behavior {
    /// With the account's document.
    Fine,
    /// With another account's document.
    Lying,
    /// With a redirect.
    Redirecting(String),
    /// With a document above the size limit.
    Endless,
    /// Never: it accepts the request and stays silent.
    Silent,
    /// With 404.
    Empty,
}

/// One host. Its account's DID contains its port.
struct Host {
    did: String,
    asked: Arc<AtomicUsize>,
}

impl Host {
    async fn start(behavior: Behavior, tasks: &mut Tasks, stop: &Stop) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let did = format!(
            "did:web:localhost%3A{}",
            listener.local_addr().unwrap().port()
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, named, stop) = (Arc::clone(&asked), did.clone(), stop.clone());
        tasks.spawn("host", OnFailure::StopAll, async move {
            let mut open = Vec::new();
            loop {
                let (mut connection, _) = tokio::select! {
                    connected = listener.accept() => connected?,
                    () = stop.cancelled() => return Ok::<_, std::io::Error>(()),
                };
                count.fetch_add(1, Ordering::SeqCst);
                answer(&mut connection, &behavior, &named).await;
                open.push(connection);
            }
        });
        Self { did, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Reads one request and responds. The client may disconnect at any time.
async fn answer(connection: &mut TcpStream, behavior: &Behavior, did: &str) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = connection.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    assert!(request.starts_with(b"GET /.well-known/did.json HTTP/1.1\r\n"));
    let with_body = |body: String| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let text = match behavior {
        Behavior::Fine => with_body(document(did)),
        Behavior::Lying => with_body(document("did:web:alice.example")),
        Behavior::Redirecting(to) => format!(
            "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
        ),
        // A reader without a limit would accept it.
        Behavior::Endless => with_body(format!("{}{}", " ".repeat(100 << 10), document(did))),
        Behavior::Silent => return,
        Behavior::Empty => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    let _gone = connection.write_all(text.as_bytes()).await;
    let _gone = connection.shutdown().await;
}

fn document(did: &str) -> String {
    json!({
        "id": did,
        "alsoKnownAs": ["at://web.example"],
        "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.web.example"}],
    })
    .to_string()
}

/// One host of each behavior, and the target of the redirect, which no DID names.
async fn hosts(tasks: &mut Tasks, stop: &Stop) -> (Vec<Host>, Host) {
    let behind = Host::start(Behavior::Fine, tasks, stop).await;
    let port = behind.did.rsplit("%3A").next().unwrap();
    let to = format!("http://localhost:{port}/.well-known/did.json");
    let mut hosts = Vec::new();
    for behavior in [
        Behavior::Fine,
        Behavior::Lying,
        Behavior::Redirecting(to),
        Behavior::Endless,
        Behavior::Silent,
        Behavior::Empty,
    ] {
        hosts.push(Host::start(behavior, tasks, stop).await);
    }
    (hosts, behind)
}

/// Produces two posts of each account, the second after Kafka acknowledged the first. Returns all metadata by account.
async fn produced(hosts: &[Host], allow_private: bool) -> (HashMap<String, Vec<Value>>, [u64; 2]) {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let dids: Vec<_> = hosts.iter().map(|host| host.did.clone()).collect();
    append_posts_of(&log, &dids).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    config.enrich.deadline = Duration::from_secs(60);
    config.enrich.lookup_timeout = Duration::from_secs(2);
    config.enrich.did_web.deadline = Duration::from_secs(60);
    config.enrich.did_web.allow_private = allow_private;
    let running = Running::start(&config, &log);
    running.reaches(dids.len() as u64).await;
    append_posts_of(&log, &dids).await;
    running.reaches(2 * dids.len() as u64).await;
    let counts = ["ok", "error"].map(|status| {
        running.counted(&format!(
            "atkafka_plc_requests{{cached=\"false\",kind=\"did_web\",status=\"{status}\"}}"
        ))
    });
    running.stop().await.unwrap();
    let mut metadata = HashMap::<String, Vec<Value>>::new();
    for message in read_all(&server.address(), &config.topic, Isolation::Committed)
        .await
        .unwrap()
    {
        let mut value: Value = serde_json::from_str(&message.value).unwrap();
        let seen = metadata.entry(message.key).or_default();
        seen.push(value["eventMetadata"].take());
    }
    (metadata, counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_asked_once_and_trusted_only_for_its_own_account() {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let (hosts, behind) = hosts(&mut tasks, &stop).await;
    let (metadata, counts) = produced(&hosts, true).await;
    assert_eq!(counts, [1, 5], "one document of six");
    for (number, host) in hosts.iter().enumerate() {
        let seen = &metadata[&host.did];
        assert_eq!((seen.len(), host.asked()), (2, 1), "host {number}");
        for metadata in seen {
            if number == 0 {
                assert_eq!(metadata["didDocument"]["id"], host.did.as_str());
                assert_eq!(metadata["pdsHost"], "https://pds.web.example");
                // The document's own claim is not enough.
                assert_eq!(metadata["handle"], "handle.invalid");
            } else {
                assert_eq!(metadata["didDocument"]["id"], "", "host {number}");
            }
        }
    }
    assert_eq!(behind.asked(), 0, "a redirect was followed");
    stop.cancel();
    tasks.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_host_delays_events_only_briefly() {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let host = Host::start(Behavior::Silent, &mut tasks, &stop).await;
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append_posts_of(&log, std::slice::from_ref(&host.did)).await;
    let mut config = settings(&server.address());
    config.enrich.enabled = true;
    // Only the did:web deadline can apply: the other two exceed the time limit of this test.
    config.enrich.deadline = 2 * PATIENCE;
    config.enrich.lookup_timeout = 2 * PATIENCE;
    config.enrich.did_web.deadline = Duration::from_millis(200);
    config.enrich.did_web.allow_private = true;
    let running = Running::start(&config, &log);
    running.reaches(1).await;
    running
        .until("the host received no request", |_| host.asked() == 1)
        .await;
    running.stop().await.unwrap();
    stop.cancel();
    tasks.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_never_contacted() {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let (hosts, _behind) = hosts(&mut tasks, &stop).await;
    let (metadata, counts) = produced(&hosts, false).await;
    assert_eq!(counts, [0, 6]);
    for host in &hosts {
        assert_eq!(host.asked(), 0);
        for metadata in &metadata[&host.did] {
            assert_eq!(metadata["didDocument"]["id"], "");
        }
    }
    stop.cancel();
    tasks.join().await.unwrap();
}
