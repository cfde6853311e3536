//! Broken connections and failing logs: no event is lost or repeated.

use std::sync::Arc;

use fanjet_log::memory::{Fault, MemoryLog};
use fanjet_simulator::FaultKind;

use crate::harness::{PATIENCE, Running, assert_log_equals_world, simulator};

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_and_repeat_nothing() {
    for seed in 300..303 {
        let frames = 2_000;
        let simulator = simulator(seed, frames, &["disconnect=every:150"]).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        assert!(simulator.stats().faults[FaultKind::Disconnect.as_str()] >= 10);
        assert!(
            running.counted("fanjet_ingest_upstream_disconnects_total{reason=\"broken\"}") >= 10
        );
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_log_loses_and_repeats_nothing() {
    for (index, fault) in [Fault::AppendFails, Fault::AnswerLost, Fault::PartlyStored]
        .into_iter()
        .enumerate()
    {
        let (seed, frames) = (400 + index as u64, 2_000);
        let simulator = simulator(seed, frames, &[]).await;
        let log = Arc::new(MemoryLog::new());
        log.inject(fault, 5);
        log.inject(Fault::ReadFails, 2);
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        assert_eq!(log.fired(fault), 5, "{fault:?}");
        assert!(running.counted("fanjet_ingest_log_resyncs_total") > 0);
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_listen_yet_is_retried() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let log = Arc::new(MemoryLog::new());
    let running = Running::start(&format!("ws://{address}"), &log);
    let refused = async {
        while running.counted("fanjet_ingest_upstream_disconnects_total{reason=\"connect\"}") < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    running.stop().await.unwrap();
}

/// Without a crypto provider, the TLS client would panic here instead of being refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_speak_tls_is_retried() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let log = Arc::new(MemoryLog::new());
    let running = Running::start(&url, &log);
    for _ in 0..2 {
        let accepted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 1];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut hello)
                .await
                .unwrap();
            hello[0]
        };
        let first_byte = tokio::time::timeout(PATIENCE, accepted).await.unwrap();
        assert_eq!(first_byte, 22, "not a TLS handshake record");
    }
    assert!(running.counted("fanjet_ingest_upstream_disconnects_total{reason=\"connect\"}") >= 1);
    running.stop().await.unwrap();
}
