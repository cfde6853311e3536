//! A stalled log: buffered data stays within the settings, the upstream is not read, and no event is lost.

use std::sync::Arc;

use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::nats_server::NatsServer;

use crate::harness::{Running, assert_log_equals_world, simulator, wait_for_last};

const BATCH_FRAMES: u64 = 16;
const QUEUE_BATCHES: u64 = 4;
const DECODE_WORKERS: u64 = 2;
const WINDOW: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_log_pauses_reading_and_loses_nothing() {
    let (seed, frames) = (700, 12_000);
    let server = NatsServer::start().await.unwrap();
    let config = NatsConfig {
        url: vec![fanjet_log_nats::ServerUrl::new(server.url())],
        ack_timeout: std::time::Duration::from_millis(300),
        request_timeout: std::time::Duration::from_millis(300),
        publish_window: WINDOW as usize,
        ..NatsConfig::default()
    };
    let log = Arc::new(NatsLog::connect(config).await.unwrap());
    let simulator = simulator(seed, frames, &[]).await;
    let running = Running::start_with(log.clone(), |config| {
        config.upstream.url = simulator.url();
        config.pipeline.batch_frames = BATCH_FRAMES as usize;
        config.pipeline.queue_batches = QUEUE_BATCHES as usize;
        config.pipeline.decode_workers = DECODE_WORKERS as usize;
    });
    wait_for_last(&*log, 200, seed).await;
    server.freeze().await.unwrap();
    let waits = |running: &Running| !running.report().ready;
    running.until("the log counts as unreachable", waits).await;
    let stuck_at = running.counted("fanjet_ingest_frames_total");
    assert!(stuck_at < frames, "everything was read before the freeze");
    // Everything is published, and the log counts as unreachable after a timeout. If ingest still read, the count would rise.
    simulator.wait_until_produced(frames).await;
    let acked = running.counted("fanjet_ingest_log_seq");
    let held = frames_up_to(&simulator.expected(), acked);
    // Batches in the queue, in decoding, between the two and in the reader, and events without an acknowledgement.
    let batches = QUEUE_BATCHES + DECODE_WORKERS + 3;
    let bound = batches * BATCH_FRAMES + WINDOW + frames_in_flight();
    let read = running.counted("fanjet_ingest_frames_total");
    assert!(
        read - held <= bound,
        "{read} frames are read, {held} acknowledged: more than {bound} are held"
    );
    assert!(
        read - held > 0,
        "nothing was held: the freeze came too late"
    );
    server.thaw().unwrap();
    assert_log_equals_world(&*log, &simulator, frames, seed).await;
    assert!(running.counted("fanjet_ingest_log_resyncs_total") > 0);
    running.stop().await.unwrap();
}

/// The number of frames that the first `events` events come from.
fn frames_up_to(expected: &[fanjet_simulator::ExpectedEvent], events: u64) -> u64 {
    let mut seqs: Vec<_> = expected[..events as usize]
        .iter()
        .map(|event| event.relay_seq)
        .collect();
    seqs.dedup();
    seqs.len() as u64
}

/// A batch whose events the log refused to take is kept beside the window.
const fn frames_in_flight() -> u64 {
    BATCH_FRAMES
}
