//! One kind of look-up: remembered, limited, and made once per account at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::Clock;
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::budget::Budget;
use super::cache::Cache;
use super::http::NoAnswer;
use crate::config::EnrichConfig;
use crate::metrics::Metrics;

/// Look-ups that wait for their turn. More are not made: their events go without.
const QUEUE: usize = 20_000;
/// Look-ups under way.
const PARALLEL: usize = 64;
/// How long it is remembered that nobody answered: shorter than a plain no.
const NO_ANSWER_TTL: Duration = Duration::from_secs(30);
/// How long a profile is remembered that may change with the next post.
const NEW_PROFILE_TTL: Duration = Duration::from_secs(5);

/// What is looked up: a closed set, as at-kafka's metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// DID documents of the directory.
    Identity,
    /// DID documents on hosts that did:web accounts name.
    Web,
    /// The beginnings of audit logs.
    Audit,
    /// Profiles.
    Profile,
}

impl Kind {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Identity => "did_doc",
            Self::Web => "did_web",
            Self::Audit => "audit_log",
            Self::Profile => "profile",
        }
    }
}

/// Ends when an account's answer is there, or none will come.
pub(super) type LookUp = Shared<oneshot::Receiver<()>>;

/// A look-up being made. `None`: there is none.
pub(super) type Looking<T> = BoxFuture<'static, Result<Option<T>, NoAnswer>>;

/// What is remembered of one account.
#[derive(Debug)]
struct Memory<T> {
    /// `None`: there is none, or nobody said.
    value: Option<Arc<T>>,
    until_us: u64,
}

struct State<T> {
    memories: Cache<Box<str>, Memory<T>>,
    /// At most as many as wait and are under way.
    under_way: HashMap<Box<str>, LookUp>,
}

struct Order {
    did: Box<str>,
    done: oneshot::Sender<()>,
}

/// One kind of look-up.
pub(super) struct Desk<T> {
    kind: Kind,
    config: EnrichConfig,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    budget: Arc<Mutex<Budget>>,
    state: Mutex<State<T>>,
    queue: mpsc::Sender<Order>,
    orders: Mutex<Option<mpsc::Receiver<Order>>>,
}

/// What a desk is made of.
pub(super) type Parts = (
    Kind,
    EnrichConfig,
    Arc<dyn Clock>,
    Metrics,
    Arc<Mutex<Budget>>,
);

/// What decides for how long an answer is remembered.
pub(super) trait Answer: Send + Sync {
    /// Whether it will soon be another.
    fn is_fleeting(&self) -> bool;
}

impl<T: Answer> Desk<T> {
    pub(super) fn new((kind, config, clock, metrics, budget): Parts) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE);
        Self {
            state: Mutex::new(State {
                memories: Cache::new(config.cached),
                under_way: HashMap::new(),
            }),
            kind,
            config,
            clock,
            metrics,
            budget,
            queue,
            orders: Mutex::new(Some(orders)),
        }
    }

    /// What to wait for before the account can be known better; `None` when it is known, or will not be.
    pub(super) fn ask(&self, did: &str) -> Option<LookUp> {
        let now_us = self.clock.now_us();
        let mut state = self.state.lock();
        let memory = state.memories.get(did);
        if let Some(memory) = memory.filter(|memory| now_us < memory.until_us) {
            self.metrics
                .looked_up(self.kind, memory.value.is_some(), true);
            return None;
        }
        if let Some(look_up) = state.under_way.get(did) {
            return Some(look_up.clone());
        }
        let (done, waiting) = oneshot::channel();
        let order = Order {
            did: did.into(),
            done,
        };
        if self.queue.try_send(order).is_err() {
            return None;
        }
        let look_up = waiting.shared();
        state.under_way.insert(did.into(), look_up.clone());
        Some(look_up)
    }

    /// What is remembered, also when it is old: better than nothing while nobody answers.
    pub(super) fn remembered(&self, did: &str) -> Option<Arc<T>> {
        self.state.lock().memories.get(did)?.value.clone()
    }

    /// The next event of the account looks again.
    pub(super) fn forget(&self, did: &str) {
        self.state.lock().memories.remove(did);
    }

    /// Makes look-ups until nobody can ask for any.
    pub(super) async fn run(&self, look: impl Fn(Box<str>) -> Looking<T>) {
        let Some(mut orders) = self.orders.lock().take() else {
            return;
        };
        let timeout = self.config.lookup_timeout;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                order = orders.recv(), if under_way.len() < PARALLEL => {
                    let Some(order) = order else {
                        return;
                    };
                    let pause = self.budget.lock().take(self.clock.now_us());
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    let looking = look(order.did.clone());
                    under_way.push(async move {
                        let answer = tokio::time::timeout(timeout, looking).await;
                        (answer.unwrap_or(Err(NoAnswer)), order)
                    });
                }
                Some((answer, order)) = under_way.next() => self.learn(order, answer),
            }
        }
    }

    fn learn(&self, order: Order, answer: Result<Option<T>, NoAnswer>) {
        self.metrics
            .looked_up(self.kind, matches!(answer, Ok(Some(_))), false);
        let time_to_live = match &answer {
            Ok(Some(answer)) if answer.is_fleeting() => NEW_PROFILE_TTL,
            Ok(Some(_)) => self.time_to_live(),
            Ok(None) => self.config.failure_ttl,
            // A stranger's silence is his own, the directory's is everybody's.
            Err(_) if self.kind == Kind::Web => self.config.failure_ttl,
            Err(_) => self.config.failure_ttl.min(NO_ANSWER_TTL),
        };
        let mut state = self.state.lock();
        let value = match answer {
            Ok(found) => found.map(Arc::new),
            // What was known before still is.
            Err(_) => state
                .memories
                .get(&order.did)
                .and_then(|memory| memory.value.clone()),
        };
        let micros = u64::try_from(time_to_live.as_micros()).unwrap_or(u64::MAX);
        let until_us = self.clock.now_us().saturating_add(micros);
        state.under_way.remove(&order.did);
        state.memories.put(order.did, Memory { value, until_us });
        self.metrics.remembered(self.kind, state.memories.len());
        drop(state);
        // Nobody may be waiting any more.
        let _gone = order.done.send(());
    }

    fn time_to_live(&self) -> Duration {
        match self.kind {
            Kind::Identity | Kind::Web => self.config.identity_ttl,
            Kind::Audit => self.config.audit_ttl,
            Kind::Profile => self.config.profile_ttl,
        }
    }
}
