//! One kind of look-up: remembered, limited, and made once per account (or handle) at a time.
//!
//! All clocks here are monotonic: a wall clock that is set back must neither stop look-ups nor keep old answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_did_web::site;
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::again::Again;
use super::budget::Budget;
use super::cache::Cache;
use super::fair::{Fair, Shares};
use super::http::NoAnswer;
use crate::config::EnrichConfig;
use crate::metrics::Metrics;

/// Look-ups that wait for their turn. More are not made: their events go without.
const QUEUE: usize = 20_000;
/// Look-ups under way.
const PARALLEL: usize = 64;
/// Bytes of answers that are remembered, for each of the accounts that may be: most have less.
const BYTES_OF_EACH: usize = 1 << 10;
/// What an answer costs beside its own bytes.
const BYTES_AROUND: usize = 128;
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
    /// Whose a handle is, by name servers and hosts that handles name.
    Handle,
}

impl Kind {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Identity => "did_doc",
            Self::Web => "did_web",
            Self::Audit => "audit_log",
            Self::Profile => "profile",
            Self::Handle => "handle",
        }
    }

    /// Whether strangers say who is asked.
    fn is_strangers(self) -> bool {
        matches!(self, Self::Web | Self::Handle)
    }

    /// Whose share a look-up counts against: that of whoever owns the name, so that many names below it gain nothing.
    fn site(self, key: &str) -> String {
        if !self.is_strangers() {
            return String::new();
        }
        let host = key.strip_prefix("did:web:").unwrap_or(key);
        site(host.split(['%', ':']).next().unwrap_or(host))
    }

    fn shares(self) -> Shares {
        let of_one = if self.is_strangers() { 4 } else { 1 };
        Shares {
            waiting: QUEUE,
            waiting_of_one: QUEUE / of_one,
            under_way_of_one: PARALLEL / of_one,
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
    answer: Answered<T>,
    until: Instant,
    /// Something has happened that may have made it wrong.
    is_doubted: bool,
    /// What it sends must not make us ask all the time.
    again: Again,
}

/// What is known.
#[derive(Debug)]
pub(super) enum Answered<T> {
    /// This.
    Found(Arc<T>),
    /// That there is none.
    Nothing,
    /// Nothing: nobody was asked, or nobody has answered.
    Unknown,
}

impl<T> Clone for Answered<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Found(found) => Self::Found(Arc::clone(found)),
            Self::Nothing => Self::Nothing,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl<T> Answered<T> {
    pub(super) fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

struct State<T> {
    memories: Cache<Box<str>, Memory<T>>,
    /// At most as many as wait and are under way.
    under_way: HashMap<Box<str>, UnderWay>,
    orders: Fair<Order>,
}

struct UnderWay {
    look_up: LookUp,
    /// Whether its answer may be older than what has happened meanwhile.
    is_doubted: bool,
}

struct Order {
    key: Box<str>,
    done: oneshot::Sender<()>,
}

/// One kind of look-up.
pub(super) struct Desk<T> {
    kind: Kind,
    config: EnrichConfig,
    metrics: Metrics,
    budget: Arc<Mutex<Budget>>,
    state: Mutex<State<T>>,
    ordered: Notify,
}

/// What a desk is made of.
pub(super) type Parts = (Kind, EnrichConfig, Metrics, Arc<Mutex<Budget>>);

/// What decides for how long an answer is remembered.
pub(super) trait Answer: Send + Sync {
    /// Whether it will soon be another.
    fn is_fleeting(&self) -> bool;
    /// How much it takes.
    fn bytes(&self) -> usize;
}

impl<T: Answer> Desk<T> {
    pub(super) fn new((kind, config, metrics, budget): Parts) -> Self {
        let bytes = config.cached.saturating_mul(BYTES_OF_EACH);
        Self {
            state: Mutex::new(State {
                memories: Cache::new(config.cached, bytes),
                under_way: HashMap::new(),
                orders: Fair::new(kind.shares()),
            }),
            kind,
            config,
            metrics,
            budget,
            ordered: Notify::new(),
        }
    }

    /// What to wait for before the account can be known better; `None` when it is known, or will not be.
    pub(super) fn ask(&self, key: &str) -> Option<LookUp> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let memory = state.memories.get(key);
        if let Some(memory) = memory.filter(|memory| now < memory.until) {
            let is_known = memory.answer.found().is_some();
            self.metrics.looked_up(self.kind, is_known, true);
            return None;
        }
        if let Some(under_way) = state.under_way.get(key) {
            return Some(under_way.look_up.clone());
        }
        let (done, waiting) = oneshot::channel();
        let order = Order {
            key: key.into(),
            done,
        };
        if !state.orders.push(&self.kind.site(key), order) {
            return None;
        }
        let look_up = waiting.shared();
        let under_way = UnderWay {
            look_up: look_up.clone(),
            is_doubted: false,
        };
        state.under_way.insert(key.into(), under_way);
        drop(state);
        self.ordered.notify_one();
        Some(look_up)
    }

    /// What is remembered, also when it is old: better than nothing while nobody answers. The flag says that it is to be
    /// looked up again.
    pub(super) fn remembered(&self, key: &str) -> (Answered<T>, bool) {
        let mut state = self.state.lock();
        match state.memories.get(key) {
            Some(memory) => {
                let is_stale = memory.is_doubted || Instant::now() >= memory.until;
                (memory.answer.clone(), is_stale)
            }
            None => (Answered::Unknown, false),
        }
    }

    /// The next event of the account looks again, if that is not too often. What is remembered is kept until there is an
    /// answer.
    pub(super) fn doubt(&self, key: &str) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(memory) = state.memories.get(key) {
            memory.is_doubted = true;
            memory.until = memory.until.min(memory.again.earliest(now));
        }
        if let Some(under_way) = state.under_way.get_mut(key) {
            under_way.is_doubted = true;
        }
    }

    /// Makes look-ups, for ever.
    pub(super) async fn run(&self, look: impl Fn(Box<str>) -> Looking<T>) {
        let timeout = self.config.lookup_timeout;
        let mut under_way = FuturesUnordered::new();
        loop {
            let order = match under_way.len() < PARALLEL {
                true => self.state.lock().orders.pop(),
                false => None,
            };
            let Some(order) = order else {
                tokio::select! {
                    Some((answer, order)) = under_way.next() => self.learn(order, answer),
                    () = self.ordered.notified() => {}
                }
                continue;
            };
            let now = Instant::now();
            let turn = now + self.budget.lock().take(now);
            loop {
                tokio::select! {
                    biased;
                    Some((answer, order)) = under_way.next() => self.learn(order, answer),
                    () = tokio::time::sleep_until(turn) => break,
                }
            }
            let looking = look(order.key.clone());
            under_way.push(async move {
                let answer = tokio::time::timeout(timeout, looking).await;
                (answer.unwrap_or(Err(NoAnswer)), order)
            });
        }
    }

    fn learn(&self, order: Order, answer: Result<Option<T>, NoAnswer>) {
        let Order { key, done } = order;
        self.metrics
            .looked_up(self.kind, matches!(answer, Ok(Some(_))), false);
        let time_to_live = self.time_to_live(&answer);
        let mut state = self.state.lock();
        state.orders.done(&self.kind.site(&key));
        let under_way = state.under_way.remove(&key);
        // What has happened since the look-up began needs another one.
        let is_late = under_way.is_some_and(|under_way| under_way.is_doubted);
        let (answer, is_doubted) = match answer {
            Ok(Some(found)) => (Answered::Found(Arc::new(found)), is_late),
            Ok(None) => (Answered::Nothing, is_late),
            // What was known before still is, but it was not looked up again.
            Err(_) => match state.memories.get(&key) {
                Some(memory) => (memory.answer.clone(), true),
                None => (Answered::Unknown, is_late),
            },
        };
        let now = Instant::now();
        let again = state.memories.get(&key).map(|memory| memory.again);
        let again = again.unwrap_or(Again::new(now)).after_one(now);
        let until = match is_late {
            true => again.earliest(now).min(now + time_to_live),
            false => now + time_to_live,
        };
        let bytes = key.len() + BYTES_AROUND + answer.found().map_or(0, T::bytes);
        let memory = Memory {
            answer,
            until,
            is_doubted,
            again,
        };
        state.memories.put(key, memory, bytes);
        self.metrics.remembered(self.kind, state.memories.len());
        drop(state);
        // Nobody may be waiting any more.
        let _gone = done.send(());
    }

    fn time_to_live(&self, answer: &Result<Option<T>, NoAnswer>) -> Duration {
        match answer {
            Ok(Some(answer)) if answer.is_fleeting() => NEW_PROFILE_TTL,
            Ok(Some(_)) => match self.kind {
                Kind::Identity | Kind::Web | Kind::Handle => self.config.identity_ttl,
                Kind::Audit => self.config.audit_ttl,
                Kind::Profile => self.config.profile_ttl,
            },
            Ok(None) => self.config.failure_ttl,
            // A stranger's silence is his own, the directory's is everybody's.
            Err(_) if self.kind.is_strangers() => self.config.failure_ttl,
            Err(_) => self.config.failure_ttl.min(NO_ANSWER_TTL),
        }
    }
}
