//! `fanjet serve --kafka`: every event of the embedded log reaches Kafka, even if the process is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use fanjet_simulator::Rate;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, Read, read_all};

use crate::harness::{PATIENCE, fanjet, said, simulator};

/// The seqs of all messages.
fn seqs(read: &[Read]) -> BTreeSet<u64> {
    let seqs = read
        .iter()
        .map(|message| message.headers["seq"].parse().unwrap());
    seqs.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_produces_to_kafka_and_resumes_after_a_kill() {
    let (seed, frames) = (70, 2_000);
    let kafka = KafkaServer::start().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::PerSecond(500.0)).await;
    let (address, upstream) = (kafka.address(), simulator.url());
    let folder = data.path().display().to_string();
    let start = async || {
        let args = [
            "serve",
            "--kafka",
            &address,
            "--upstream",
            &upstream,
            "--data",
            &folder,
        ];
        let process = fanjet(&args)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--output-topic",
                "events",
                "--osprey-compatible",
            ])
            .args([
                "--set",
                "ops.listen=127.0.0.1:0",
                "--set",
                "kafka.enrich.enabled=false",
            ])
            .args([
                "--set",
                "kafka.topics.partitions=4",
                "--set",
                "kafka.format.sync=true",
            ])
            .args(["--set", "kafka.position.start=oldest"])
            .start()
            .unwrap();
        said(&process, "listening ").await;
        process
    };
    let mut process = start().await;
    let mut before = 0;
    for _kill in 0..2 {
        // Every process lives long enough to produce something.
        let working = async {
            loop {
                let read = read_all(&address, "events", Isolation::Committed).await;
                let count = read.map_or(0, |read| read.len());
                if count > before {
                    return count;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        before = tokio::time::timeout(PATIENCE, working).await.unwrap();
        process.kill().await.unwrap();
        process = start().await;
    }
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    let count = simulator.expected().len() as u64;
    let arriving = async {
        loop {
            let read = read_all(&address, "events", Isolation::Committed)
                .await
                .unwrap();
            let seqs = seqs(&read);
            let first = seqs.first().copied().unwrap_or_default();
            if seqs == (first..first + count).collect::<BTreeSet<_>>() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arriving).await.unwrap();
    assert!(process.stop(PATIENCE).await.unwrap().success());
}
