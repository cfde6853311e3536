//! The limit on open files: clients may take what it leaves them, and never what the node itself needs.

use fanjet_simulator::Rate;
use fanjet_testkit::JetstreamClient;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Served, simulator};

/// A quarter of it is reserved, and each connection has two: 150 connections.
const LIMIT: u64 = 400;
/// Of the 150, 128 are spare.
const SUBSCRIBERS: usize = 22;
const SILENT: usize = 300;
const REFUSED: &str = "fanjet_edge_refused_connections_total{reason=\"node_full\"} ";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_full_of_connections_answers_its_probes() {
    let data = tempfile::tempdir().unwrap();
    let relay = simulator(2401, 200, Rate::Max).await;
    let served = Served::start_with_open_files(&relay, data.path(), LIMIT).await;
    served.log_holds_all_of(&relay).await;
    let connect = || JetstreamClient::connect(&served.url, &[("cursor", "0")]);
    let mut subscribers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        subscribers.push(connect().await.unwrap().with_deadline(PATIENCE));
    }
    let refused = format!("{:#}", connect().await.unwrap_err());
    assert!(refused.contains("503"), "{refused}");

    let address = served.url.strip_prefix("ws://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let counted = async {
        while served.metric(REFUSED).await < (SILENT - 150) as u64 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.unwrap();
    assert!(served.get("/livez").await.starts_with("HTTP/1.1 200"));
    assert!(served.get("/readyz").await.starts_with("HTTP/1.1 200"));
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.next_events(100).await.unwrap().len(), 100);
    }
    served.stop().await;
}
