use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanjet_identity::NoAnswer;
use fanjet_simulator::{World, WorldConfig};
use fanjet_telemetry::Metrics;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use reqwest::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::advance;

use super::super::backlog::{FrameCount, LARGE};
use super::*;
use crate::config::VerifyMode;

/// Returns a scripted result, and counts.
#[derive(Debug)]
struct Scripted {
    /// `None`: does not answer.
    document: Mutex<Option<String>>,
    asked: Mutex<HashMap<String, usize>>,
    running: AtomicUsize,
    /// Each answer takes one; there are plenty unless a test takes them away.
    answers: Semaphore,
}

/// A look-up, until it is answered or given up.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn one_more(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl DidDocuments for Scripted {
    fn get<'a>(&'a self, did: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            *self.asked.lock().entry(did.to_owned()).or_default() += 1;
            let _running = Running::one_more(&self.running);
            self.answers.acquire().await.unwrap().forget();
            match self.document.lock().clone() {
                None => Err(NoAnswer::Status(StatusCode::BAD_GATEWAY)),
                Some(document) => Ok(Some(document.into_bytes())),
            }
        })
    }
}

struct Harness {
    keys: Keys,
    documents: Arc<Scripted>,
    frame_count: FrameCount,
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
            Ok(fanjet_firehose::Frame::Commit(commit)) => Some(did_of(commit.repo)),
            _ => None,
        })
        .unwrap();
    let document = world.directory().get(own.as_str()).unwrap();
    match did {
        None => (own, document),
        Some(did) => (did.clone(), document.replace(own.as_str(), did.as_str())),
    }
}

fn did_of(text: &str) -> Did {
    Did::parse(Arc::<str>::from(text)).unwrap()
}

const TIMEOUT: Duration = Duration::from_secs(4);

fn harness() -> Harness {
    let (did, text) = document(1, None);
    let documents = Arc::new(Scripted {
        document: Mutex::new(Some(text)),
        asked: Mutex::default(),
        running: AtomicUsize::new(0),
        answers: Semaphore::new(1_000_000),
    });
    let config = VerifyConfig {
        commits: VerifyMode::All,
        workers: 1,
        plc_url: "http://unused.example".to_owned(),
        web_url: String::new(),
        lookup_timeout: TIMEOUT,
        lookups_per_second: 100,
        cached_keys: 100,
        key_ttl: Duration::from_secs(3_600),
        missing_ttl: Duration::from_secs(60),
    };
    let metrics = IngestMetrics::new(&Metrics::new().unwrap().meter("test"));
    let keys = Keys::new(documents.clone(), &config, metrics);
    Harness {
        keys,
        documents,
        frame_count: FrameCount::default(),
        did,
    }
}

impl Harness {
    fn asked(&self) -> usize {
        self.documents.asked.lock().values().sum()
    }

    fn patience(&self) -> Patience {
        self.keys.patience(self.frame_count.backlog())
    }

    async fn get(&self, did: &Did) -> KeyResult {
        self.keys.get(did, &self.patience()).await
    }

    async fn key(&self) -> KnownKey {
        match self.get(&self.did).await {
            KeyResult::Key(key) => key,
            other => panic!("{other:?}"),
        }
    }

    async fn renewed(&self, used: &KnownKey) -> Option<KeyResult> {
        self.keys.renewed(&self.did, used, &self.patience()).await
    }

    /// No lookup is answered from now on.
    fn silence(&self) {
        let left = self.documents.answers.available_permits();
        self.documents.answers.forget_permits(left);
    }

    /// The account has another key from now on.
    fn rotate(&self) {
        let (_, rotated) = document(2, Some(&self.did));
        *self.documents.document.lock() = Some(rotated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_cached_until_it_expires_and_longer_when_the_directory_is_down() {
    let harness = harness();
    harness.key().await;
    advance(Duration::from_secs(3_599)).await;
    harness.key().await;
    assert_eq!(harness.asked(), 1);
    advance(Duration::from_secs(2)).await;
    *harness.documents.document.lock() = None;
    harness.key().await;
    assert_eq!(harness.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_key_is_remembered_for_a_shorter_time() {
    let harness = harness();
    *harness.documents.document.lock() = Some("{}".to_owned());
    for _ in 0..3 {
        assert!(matches!(
            harness.get(&harness.did).await,
            KeyResult::Missing
        ));
    }
    assert_eq!(harness.asked(), 1);
    advance(Duration::from_secs(61)).await;
    assert!(matches!(
        harness.get(&harness.did).await,
        KeyResult::Missing
    ));
    assert_eq!(harness.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_commits_of_one_account_make_one_look_up() {
    let harness = harness();
    let answers = join_all((0..50).map(|_| harness.get(&harness.did))).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, KeyResult::Key(_)))
    );
    assert_eq!(harness.asked(), 1);
    tokio::task::yield_now().await;
    assert_eq!(harness.keys.directory.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_found_when_a_signature_fails() {
    let harness = harness();
    let old = harness.key().await;
    harness.rotate();
    assert!(harness.renewed(&old).await.is_none(), "looked up just now");
    assert_eq!(harness.asked(), 1);
    advance(Duration::from_secs(11)).await;
    let Some(KeyResult::Key(new)) = harness.renewed(&old).await else {
        panic!("no new key");
    };
    assert!(new.key != old.key);
    assert_eq!(harness.asked(), 2);
    // A commit that was checked with the old key meanwhile needs no further look.
    assert!(harness.renewed(&old).await.is_some());
    assert_eq!(harness.asked(), 2);
    advance(Duration::from_secs(11)).await;
    assert!(harness.renewed(&new).await.is_none(), "the same key again");
    assert_eq!(harness.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_identity_event_makes_the_next_commit_look_again() {
    let harness = harness();
    let old = harness.key().await;
    harness.rotate();
    harness.keys.doubt(harness.did.as_str());
    assert!(harness.key().await.key != old.key);
    assert_eq!(harness.asked(), 2);
}

/// What a directory answers may be older than what happens while it answers.
#[tokio::test(start_paused = true)]
async fn an_identity_event_during_a_look_up_makes_the_next_commit_look_again() {
    for is_joined in [false, true] {
        let harness = harness();
        harness.silence();
        let answering = async {
            tokio::task::yield_now().await;
            harness.keys.doubt(harness.did.as_str());
            harness.documents.answers.add_permits(1);
        };
        let (old, ()) = tokio::join!(harness.key(), answering);
        harness.rotate();
        harness.documents.answers.add_permits(1_000);
        let new = match is_joined {
            // A commit after the event waited for the lookup that had started before it.
            true => match harness.renewed(&old).await {
                Some(KeyResult::Key(new)) => new,
                other => panic!("{other:?}"),
            },
            false => harness.key().await,
        };
        assert!(new.key != old.key);
        harness.key().await;
        assert_eq!(harness.asked(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_signature_stays_invalid_while_no_lookup_is_possible() {
    let harness = harness();
    let old = harness.key().await;
    harness.rotate();
    advance(Duration::from_secs(11)).await;
    harness.silence();
    assert!(harness.renewed(&old).await.is_none(), "no answer in time");
    *harness.documents.document.lock() = None;
    harness.documents.answers.add_permits(1_000);
    for _ in 0..20 {
        advance(Duration::from_secs(1)).await;
        assert!(harness.renewed(&old).await.is_none(), "away or too often");
    }
}

/// What an account sends makes us ask a few times at once, and then once a minute, by whichever way.
#[tokio::test(start_paused = true)]
async fn identity_events_and_bad_signatures_of_one_account_make_few_look_ups() {
    let harness = harness();
    let mut key = harness.key().await;
    for _ in 0..600 {
        advance(Duration::from_secs(1)).await;
        harness.keys.doubt(harness.did.as_str());
        key = harness.key().await;
        harness.renewed(&key).await;
    }
    assert!(
        (10..=14).contains(&harness.asked()),
        "{} look-ups",
        harness.asked()
    );
    drop(key);
}

/// Hosts that accept connections and send nothing delay a batch for a second, a few of them at once, and hardly ever.
#[tokio::test(start_paused = true)]
async fn a_stranger_with_a_domain_of_any_number_of_silent_hosts_is_asked_rarely() {
    let harness = harness();
    harness.silence();
    let began = Instant::now();
    for number in 0..10_000 {
        let did = did_of(&format!("did:web:a{number}.evil.example"));
        let asked = Instant::now();
        harness.get(&did).await;
        assert!(asked.elapsed() <= TIMEOUT / WEB_WAIT_DIVISOR);
        assert!(harness.documents.running.load(Ordering::SeqCst) <= 10);
        advance(Duration::from_millis(10)).await;
    }
    let (asked, passed) = (harness.asked(), began.elapsed());
    assert!(asked <= 20, "{asked} look-ups in {passed:?}");
    assert!(passed < Duration::from_secs(125), "{passed:?} for 100 s");
    // Others are not touched by it.
    harness.documents.answers.add_permits(1_000);
    harness.key().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_unknown_is_waited_for_while_many_wait_behind_it_but_it_is_looked_up() {
    let harness = harness();
    harness.silence();
    let waiting = harness.get(&harness.did);
    let crowding = async {
        tokio::task::yield_now().await;
        harness.frame_count.enter(LARGE)
    };
    let began = Instant::now();
    let (answer, inside) = tokio::join!(waiting, crowding);
    assert!(matches!(answer, KeyResult::Away));
    assert!(matches!(harness.get(&harness.did).await, KeyResult::Away));
    assert_eq!(began.elapsed(), Duration::ZERO);
    harness.documents.answers.add_permits(1_000);
    tokio::task::yield_now().await;
    harness.key().await;
    assert_eq!(harness.asked(), 1);
    drop(inside);
}

#[tokio::test(start_paused = true)]
async fn unresolvable_dids_are_not_looked_up_and_say_nothing_about_the_directory() {
    let harness = harness();
    *harness.documents.document.lock() = None;
    let foreign = ["did:foo:bar", "did:plc:short", "did:web:localhost"].map(did_of);
    for _ in 0..20 {
        assert!(matches!(
            harness.get(&harness.did).await,
            KeyResult::Away | KeyResult::RateLimited
        ));
        let plc =
            did_of(&format!("did:plc:{:a>24}", harness.asked()).replace(['0', '1', '8', '9'], "b"));
        assert!(matches!(harness.get(&plc).await, KeyResult::Away));
        for did in &foreign {
            assert!(matches!(harness.get(did).await, KeyResult::Missing));
        }
    }
    let asked = harness.documents.asked.lock();
    assert_eq!(
        asked.values().sum::<usize>(),
        5,
        "the breaker is open: {asked:?}"
    );
    assert!(foreign.iter().all(|did| !asked.contains_key(did.as_str())));
}
