use std::num::NonZeroU64;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use fanjet_identity::NoAnswer;
use fanjet_log::UpstreamId;
use fanjet_simulator::{World, WorldConfig};
use fanjet_telemetry::Metrics;
use futures::future::BoxFuture;
use futures::stream;
use tokio::time::{Instant, advance};

use super::documents::DidDocuments;
use super::*;
use crate::batch::{Numbering, Rewind, Share};
use crate::config::VerifyMode;

const TIMEOUT: Duration = Duration::from_secs(4);

/// Gives every account the same key, or does not respond.
#[derive(Debug)]
struct OneKey {
    of: String,
    document: String,
    is_silent: AtomicBool,
}

impl DidDocuments for OneKey {
    fn get<'a>(&'a self, did: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            if self.is_silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let document = self.document.replace(&self.of, did);
            Ok(Some(document.into_bytes()))
        })
    }
}

/// Commits of many accounts, and the document of an account that made none of them.
fn commits(count: usize) -> (Vec<Bytes>, OneKey) {
    let mut world = World::new(&WorldConfig {
        seed: 8,
        accounts: 300,
        did_web_accounts: 0,
        records_per_repo: 1,
        ..WorldConfig::default()
    })
    .unwrap();
    let mut by_did: HashMap<String, Bytes> = HashMap::new();
    while by_did.len() <= count {
        let frame = world.next_frame().bytes;
        if let Ok(Frame::Commit(commit)) = decode_frame(&frame) {
            by_did.insert(commit.repo.to_owned(), frame.clone());
        }
    }
    let of = by_did.keys().next().unwrap().clone();
    by_did.remove(&of);
    let documents = OneKey {
        document: world.directory().get(&of).unwrap(),
        of,
        is_silent: AtomicBool::new(false),
    };
    (by_did.into_values().collect(), documents)
}

fn verifier(documents: Arc<OneKey>, metrics: &Metrics) -> Arc<Verifier> {
    let config = VerifyConfig {
        commits: VerifyMode::All,
        workers: 2,
        plc_url: "http://unused.example".to_owned(),
        web_url: String::new(),
        lookup_timeout: TIMEOUT,
        lookups_per_second: 1_000,
        cached_keys: 1_000,
        key_ttl: Duration::from_secs(3_600),
        missing_ttl: Duration::from_secs(60),
    };
    let metrics = IngestMetrics::new(&metrics.meter("test"));
    Arc::new(Verifier {
        one_in: NonZeroU64::MIN.get(),
        filter: Arc::default(),
        keys: Keys::new(documents, &config, metrics.clone()),
        frame_count: FrameCount::default(),
        workers: Arc::new(Semaphore::new(2)),
        metrics,
        commits: AtomicU64::new(0),
    })
}

fn batch(frames: &[Bytes]) -> FrameBatch {
    FrameBatch {
        numbering: Numbering::first(UpstreamId::new("relay").unwrap()),
        rewind: Rewind::None,
        reached: None,
        arrived: Instant::now(),
        frames: frames.to_vec(),
        share: Share::default(),
    }
}

/// Signatures that fail, each of another account whose directory then does not respond: in an earlier version, they
/// were waited for one by one.
#[tokio::test(start_paused = true)]
async fn renewals_of_a_batch_are_waited_for_together_and_no_longer_than_one() {
    let (frames, documents) = commits(64);
    let (documents, metrics) = (Arc::new(documents), Metrics::new().unwrap());
    let verifier = verifier(documents.clone(), &metrics);
    let kept = verifier.clone().authentic(batch(&frames)).await;
    assert!(kept.frames.is_empty(), "another account's key");
    advance(Duration::from_secs(11)).await;
    documents.is_silent.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let kept = verifier.clone().authentic(batch(&frames)).await;
    let took = began.elapsed();
    assert!(took <= TIMEOUT + Duration::from_millis(10), "{took:?}");
    assert!(kept.frames.is_empty(), "nothing newer is known");
}

/// A directory that does not respond: batches of unknown accounts wait while few frames wait, and then no longer.
#[tokio::test(start_paused = true)]
async fn a_silent_directory_holds_a_stream_for_a_moment_and_not_once_a_batch() {
    let (frames, documents) = commits(64);
    documents.is_silent.store(true, Ordering::SeqCst);
    let metrics = Metrics::new().unwrap();
    let verifier = verifier(Arc::new(documents), &metrics);
    let count = 100;
    let batches = stream::iter((0..count).map(|_| batch(&frames)));
    let began = Instant::now();
    let passed = in_order(batches, Some(verifier));
    let frames_passed: usize = passed
        .map(|batch| batch.frames.len())
        .collect::<Vec<_>>()
        .await
        .iter()
        .sum();
    assert_eq!(frames_passed, 64 * count, "unverified, and not held");
    let took = began.elapsed();
    assert!(took <= 2 * TIMEOUT, "{took:?}");
}
