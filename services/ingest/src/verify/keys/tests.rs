use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fanjet_simulator::{World, WorldConfig};
use fanjet_telemetry::Metrics;
use futures::future::{BoxFuture, join_all};
use reqwest::StatusCode;
use tokio::sync::Notify;

use super::super::config::VerifyMode;
use super::super::documents::NoAnswer;
use super::*;

const START: u64 = 1_700_000_000_000_000;

#[derive(Clone)]
struct SetClock(Arc<AtomicU64>);

impl Clock for SetClock {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Answers with what it was told to, and counts.
#[derive(Debug)]
struct Scripted {
    /// `None`: does not answer.
    document: Mutex<Option<String>>,
    asked: AtomicUsize,
    /// When set, answers wait for it.
    gate: Option<Arc<Notify>>,
}

impl DidDocuments for Scripted {
    fn get<'a>(&'a self, _did: &'a Did) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            match self.document.lock().clone() {
                None => Err(NoAnswer::Status(StatusCode::BAD_GATEWAY)),
                Some(document) => Ok(Some(document.into_bytes())),
            }
        })
    }
}

struct Rig {
    keys: Keys,
    documents: Arc<Scripted>,
    clock: SetClock,
    did: Did,
}

/// The document of a world's account under the DID of another world's, so that there are two keys for one DID.
fn document(seed: u64, did: Option<&Did>) -> (Did, String) {
    let mut world = World::new(&WorldConfig {
        seed,
        accounts: 1,
        did_web_accounts: 0,
        records_per_repo: 1,
        ..WorldConfig::default()
    })
    .unwrap();
    let own = std::iter::repeat_with(|| world.next_frame())
        .find_map(|frame| match fanjet_firehose::decode_frame(&frame.bytes) {
            Ok(fanjet_firehose::Frame::Commit(commit)) => {
                Some(Did::parse(Arc::<str>::from(commit.repo)).unwrap())
            }
            _ => None,
        })
        .unwrap();
    let document = world.directory().get(own.as_str()).unwrap();
    match did {
        None => (own, document),
        Some(did) => (did.clone(), document.replace(own.as_str(), did.as_str())),
    }
}

fn rig(gate: Option<Arc<Notify>>) -> Rig {
    let (did, text) = document(1, None);
    let documents = Arc::new(Scripted {
        document: Mutex::new(Some(text)),
        asked: AtomicUsize::new(0),
        gate,
    });
    let clock = SetClock(Arc::new(AtomicU64::new(START)));
    let config = VerifyConfig {
        commits: VerifyMode::All,
        workers: 1,
        plc_url: "http://unused.example".to_owned(),
        web_url: String::new(),
        lookup_timeout: Duration::from_secs(60),
        lookups_per_second: 100,
        cached_keys: 100,
        key_ttl: Duration::from_secs(3_600),
        missing_ttl: Duration::from_secs(60),
    };
    let metrics = IngestMetrics::new(&Metrics::new().unwrap().meter("test"));
    let keys = Keys::new(documents.clone(), &config, Arc::new(clock.clone()), metrics);
    Rig {
        keys,
        documents,
        clock,
        did,
    }
}

impl Rig {
    fn asked(&self) -> usize {
        self.documents.asked.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.clock
            .0
            .fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    async fn key(&self) -> Arc<KnownKey> {
        match self.keys.get(&self.did).await {
            KeyAnswer::Key(key) => key,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_key_is_remembered_until_it_runs_out_and_longer_when_nobody_answers() {
    let rig = rig(None);
    rig.key().await;
    rig.pass(3_599);
    rig.key().await;
    assert_eq!(rig.asked(), 1);
    rig.pass(2);
    *rig.documents.document.lock() = None;
    rig.key().await;
    assert_eq!(rig.asked(), 2);
}

#[tokio::test]
async fn an_account_without_a_key_is_remembered_for_a_shorter_time() {
    let rig = rig(None);
    *rig.documents.document.lock() = Some("{}".to_owned());
    for _ in 0..3 {
        assert!(matches!(rig.keys.get(&rig.did).await, KeyAnswer::Missing));
    }
    assert_eq!(rig.asked(), 1);
    rig.pass(61);
    assert!(matches!(rig.keys.get(&rig.did).await, KeyAnswer::Missing));
    assert_eq!(rig.asked(), 2);
}

#[tokio::test]
async fn many_commits_of_one_account_make_one_look_up() {
    let gate = Arc::new(Notify::new());
    let rig = rig(Some(gate.clone()));
    // Stored, so that the one who asks is let go when it gets there; a second one would wait for ever.
    gate.notify_one();
    let answers = join_all((0..50).map(|_| rig.keys.get(&rig.did))).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, KeyAnswer::Key(_)))
    );
    assert_eq!(rig.asked(), 1);
    assert!(rig.keys.under_way.lock().is_empty());
}

#[tokio::test]
async fn a_rotated_key_is_found_when_a_signature_fails() {
    let rig = rig(None);
    let old = rig.key().await;
    let (_, rotated) = document(2, Some(&rig.did));
    *rig.documents.document.lock() = Some(rotated);
    assert!(
        rig.keys.renewed(&rig.did, &old).await.is_none(),
        "looked up just now"
    );
    assert_eq!(rig.asked(), 1);
    rig.pass(11);
    let Some(KeyAnswer::Key(new)) = rig.keys.renewed(&rig.did, &old).await else {
        panic!("no new key");
    };
    assert!(new.key != old.key);
    assert_eq!(rig.asked(), 2);
    // A commit that was checked with the old key meanwhile needs no further look.
    assert!(rig.keys.renewed(&rig.did, &old).await.is_some());
    assert_eq!(rig.asked(), 2);
    rig.pass(11);
    assert!(
        rig.keys.renewed(&rig.did, &new).await.is_none(),
        "the same key again"
    );
    assert_eq!(rig.asked(), 3);
}

#[tokio::test]
async fn an_identity_event_makes_the_next_commit_look_again() {
    let rig = rig(None);
    let old = rig.key().await;
    let (_, rotated) = document(2, Some(&rig.did));
    *rig.documents.document.lock() = Some(rotated);
    rig.keys.doubt(rig.did.as_str());
    assert!(rig.key().await.key != old.key);
    assert_eq!(rig.asked(), 2);
}

#[tokio::test]
async fn a_directory_that_fails_is_not_asked_for_everyone() {
    let rig = rig(None);
    *rig.documents.document.lock() = None;
    for _ in 0..20 {
        assert!(matches!(rig.keys.get(&rig.did).await, KeyAnswer::Away));
    }
    assert_eq!(rig.asked(), 5);
}
