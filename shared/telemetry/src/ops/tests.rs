use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::*;
use crate::HealthReport;

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_facts_and_metrics_are_served() {
    let is_up = Arc::new(AtomicBool::new(false));
    let looked_at = is_up.clone();
    let health = Health::new(move || {
        let verdict = if looked_at.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err("no answer".to_owned())
        };
        HealthReport::of([("log", verdict)])
    });
    let metrics = Metrics::new().unwrap();
    metrics
        .meter("test")
        .u64_counter("fanjet_test_total")
        .build()
        .add(1, &[]);
    let config = OpsConfig {
        listen: ([127, 0, 0, 1], 0).into(),
    };
    let server = OpsServer::bind(&config, metrics, health).unwrap();
    let address = server.address();
    let stop = Stop::new();

    // Also stops the server when an assertion fails.
    let stop_server = stop.clone().drop_guard();
    let client = tokio::task::spawn_blocking(move || {
        let down = get(address, "/readyz");
        assert!(down.starts_with("HTTP/1.1 503"), "{down}");
        assert!(
            down.contains(r#"{"ready":false,"missing":{"log":"no answer"}}"#),
            "{down}"
        );
        assert!(get(address, "/livez").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/startupz").starts_with("HTTP/1.1 503"));
        is_up.store(true, Ordering::SeqCst);
        assert!(get(address, "/startupz").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 200"));
        is_up.store(false, Ordering::SeqCst);
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 503"));
        assert!(get(address, "/startupz").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").contains("fanjet_test_total 1"));
        drop(stop_server);
    });
    server.run(stop).await.unwrap();
    client.await.unwrap();
}

/// Clients that hold connections: no bytes, an incomplete head, an endless head.
const HELD: [&str; 3] = [
    "",
    "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "GET /livez HTTP/1.1\r\n",
];

/// More connections than there are slots, from the same address as the probe, reopened as fast as they end.
#[tokio::test(flavor = "multi_thread")]
async fn held_connections_do_not_lock_out_probes() {
    let metrics = Metrics::new().unwrap();
    let health = Health::new(HealthReport::default);
    let listen = ([127, 0, 0, 1], 0).into();
    let server = OpsServer::bind(&OpsConfig { listen }, metrics.clone(), health).unwrap();
    let address = server.address();
    let stop = Stop::new();
    let stop_server = stop.clone().drop_guard();
    let client = tokio::task::spawn_blocking(move || {
        let hold = |words: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(words.as_bytes()).unwrap();
            stream
        };
        let mut held = Vec::new();
        for round in 0..5 {
            held.extend((0..300).map(|n| hold(HELD[n % HELD.len()])));
            // One more byte from those that are still open.
            held.retain_mut(|stream: &mut TcpStream| stream.write_all(b"x").is_ok());
            let asked = Instant::now();
            assert!(
                get(address, "/livez").starts_with("HTTP/1.1 200"),
                "{round}"
            );
            assert!(asked.elapsed() < Duration::from_secs(3), "{round}");
        }
        let shown = get(address, "/metrics");
        let replaced = shown.lines().find_map(|line| line.strip_prefix(REPLACED));
        let replaced: f64 = replaced.unwrap().trim().parse().unwrap();
        assert!(replaced >= 1_000.0, "{shown}");
        drop(stop_server);
    });
    server.run(stop).await.unwrap();
    client.await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = OpsConfig {
        listen: taken.local_addr().unwrap(),
    };
    let health = Health::new(HealthReport::default);
    let error = OpsServer::bind(&config, Metrics::new().unwrap(), health)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("ops.listen") && error.contains(&taken.local_addr().unwrap().to_string()),
        "{error}"
    );
}

#[test]
fn facts_are_shown_ready_or_not_and_joined() {
    let ready = HealthReport::of([("log", Ok(()))]).with("role", "standby");
    let waiting = HealthReport::of([("tail", Err("behind".to_owned()))]);
    let parts = [ready, waiting].map(|report| Health::new(move || report.clone()));
    let report = serde_json::to_string(&Health::all(parts).report()).unwrap();
    assert_eq!(
        report,
        r#"{"ready":false,"missing":{"tail":"behind"},"facts":{"role":"standby"}}"#
    );
}
