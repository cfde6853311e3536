//! The connection. It reconnects by itself; requests in flight when it broke are reported, never retried here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::client::{RequestError, RequestErrorKind};
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, ServerInfo, Subscriber, jetstream,
};
use bytes::Bytes;
use fanjet_log::LogError;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::config::{Content, NatsConfig};
use crate::error::Unavailable;
use crate::subject::Subjects;

/// Messages that one subscription may hold. The server's flow control stops at 32 MiB per follow, so this is never
/// reached by messages of a size that occurs; if it is, the loss shows as a gap.
const SUBSCRIPTION_CAPACITY: usize = 1 << 20;
/// Publishes that may wait for the socket.
const CLIENT_CAPACITY: usize = 2048;
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(2);
/// A server that has sent nothing for three of these is left for another. One whose machine is gone closes no connection,
/// and until it is left, every request to it times out.
const PING_INTERVAL: Duration = Duration::from_secs(4);
/// The first release with fast-ingest batches, which fencing needs.
const OLDEST_SERVER: (i64, i64, i64) = (2, 14, 0);

/// So much later than its users the watch on a connection may notice that it broke.
const FIRST_SIGN: Duration = Duration::from_millis(50);

/// For so long a complaint may be the reason why something fails.
const COMPLAINT_LASTS: Duration = Duration::from_secs(10);

/// What the server said last without being asked: that something is not allowed, for instance. It does not say to which request
/// that is the answer, and the request gets none.
type Complaint = Arc<Mutex<Option<(String, Instant)>>>;

/// What a connection is for. It is part of the name that the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Everything that no stranger has a word in.
    Main,
    /// The messages of the log.
    Reads,
    /// What processes tell each other.
    Notices,
}

/// A connection, and how often it broke.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    breaks: watch::Receiver<u64>,
    complaint: Complaint,
}

/// Reports to one user of the connection that it broke since they began.
#[derive(Debug, Clone)]
pub(crate) struct BreakWatch(watch::Receiver<u64>);

impl Link {
    pub(crate) async fn open(config: &NatsConfig, purpose: Purpose) -> Result<Self, LogError> {
        let urls: Vec<&str> = config.url.iter().map(|url| url.reveal()).collect();
        // The client would leave it out without a word.
        if urls.iter().any(|url| url.contains('@')) {
            let what = "nats.url must not hold a user: use nats.user and nats.password";
            return Err(LogError::Misconfigured(what.to_owned()));
        }
        let (breaking, breaks) = watch::channel(0);
        let complaint = Complaint::default();
        let client = options(config, purpose, breaking, Arc::clone(&complaint))
            .await?
            .connect(urls)
            .await
            .map_err(|error| match error.kind() {
                ConnectErrorKind::Authentication
                | ConnectErrorKind::AuthorizationViolation
                | ConnectErrorKind::ServerParse
                | ConnectErrorKind::Tls => {
                    LogError::Misconfigured(format!("cannot connect to NATS: {}", error.kind()))
                }
                // Only the kind: the source may show the address with its password.
                _ => LogError::unavailable(format!("cannot connect to NATS: {}", error.kind())),
            })?;
        check_server(
            &client,
            &client.server_info(),
            purpose,
            config.stream.content,
        )?;
        Ok(Self {
            client,
            breaks,
            complaint,
        })
    }

    /// A new inbox, and what comes into it.
    pub(crate) async fn inbox(&self) -> Result<(String, Subscriber), Unavailable> {
        self.subscribed(self.client.new_inbox()).await
    }

    /// As [`Link::inbox`], for what a consumer pushes. A push is no response to a request: accounts that import the log import
    /// these subjects as well.
    pub(crate) async fn push_inbox(&self) -> Result<(String, Subscriber), Unavailable> {
        let inbox = self.client.new_inbox();
        let (prefix, id) = inbox.rsplit_once('.').unwrap_or(("_INBOX", &inbox));
        self.subscribed(format!("{prefix}.push.{id}")).await
    }

    async fn subscribed(&self, inbox: String) -> Result<(String, Subscriber), Unavailable> {
        let subscribed = self.client.subscribe(inbox.clone()).await;
        let messages = subscribed.map_err(|_| Unavailable::Disconnected)?;
        Ok((inbox, messages))
    }

    /// JetStream's requests on this connection.
    pub(crate) fn jetstream(&self, config: &NatsConfig) -> jetstream::Context {
        let mut jetstream = jetstream::with_prefix(self.client.clone(), &config.api());
        jetstream.set_timeout(config.request_timeout);
        jetstream
    }

    /// How often the connection has broken.
    pub(crate) fn breaks(&self) -> u64 {
        *self.breaks.borrow()
    }

    /// Whether it broke, also when it is back by now.
    pub(crate) fn is_broken(&self) -> bool {
        self.breaks() > 0 || self.breaks.has_changed().is_err()
    }

    /// As [`Link::is_broken`], when something has failed: that may be the first sign of it.
    pub(crate) async fn has_broken(&self) -> bool {
        let mut breaks = self.breaks.clone();
        let broken = breaks.wait_for(|breaks| *breaks > 0);
        // Also when the task that serves the connection has ended.
        tokio::time::timeout(FIRST_SIGN, broken).await.is_ok()
    }

    /// What the server complained of a moment ago.
    pub(crate) fn complaint(&self) -> Option<String> {
        let complaint = self.complaint.lock();
        let recent = complaint
            .as_ref()
            .filter(|(_, at)| at.elapsed() < COMPLAINT_LASTS);
        recent.map(|(words, _)| words.clone())
    }

    pub(crate) fn watch(&self) -> BreakWatch {
        let mut breaks = self.breaks.clone();
        breaks.mark_unchanged();
        BreakWatch(breaks)
    }

    /// Sends a request and waits for its one answer.
    pub(crate) async fn request(
        &self,
        what: &'static str,
        subject: String,
        payload: Bytes,
    ) -> Result<async_nats::Message, Unavailable> {
        let answer = self.client.request(subject, payload).await;
        answer.map_err(|error| unanswered(what, &error))
    }

    /// As [`Link::request`], with headers.
    pub(crate) async fn request_with_headers(
        &self,
        what: &'static str,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<async_nats::Message, Unavailable> {
        let answer = self
            .client
            .request_with_headers(subject, headers, payload)
            .await;
        answer.map_err(|error| unanswered(what, &error))
    }
}

impl BreakWatch {
    /// Returns when the connection has broken, also when it is back by now.
    pub(crate) async fn broken(&mut self) {
        // An error: the task that serves the connection has ended.
        self.0.changed().await.ok();
    }
}

fn unanswered(what: &'static str, error: &RequestError) -> Unavailable {
    match error.kind() {
        RequestErrorKind::TimedOut => Unavailable::Timeout(what),
        RequestErrorKind::NoResponders => Unavailable::NoResponders,
        _ => Unavailable::Nonsense(error.to_string()),
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main",
            Self::Reads => "reads",
            Self::Notices => "notices",
        })
    }
}

async fn options(
    config: &NatsConfig,
    purpose: Purpose,
    breaking: watch::Sender<u64>,
    complaint: Complaint,
) -> Result<ConnectOptions, LogError> {
    if Subjects::new(&config.inbox_prefix).is_none() {
        return Err(LogError::Misconfigured(format!(
            "nats.inbox_prefix {:?} must be tokens of A-Z a-z 0-9 - _ with dots between",
            config.inbox_prefix
        )));
    }
    if let Some(domain) = &config.domain
        && (domain.contains('.') || Subjects::new(domain).is_none())
    {
        return Err(LogError::Misconfigured(format!(
            "nats.domain {domain:?} must be one token of A-Z a-z 0-9 - _"
        )));
    }
    let mut options = ConnectOptions::new()
        .name(match purpose {
            Purpose::Main => format!("fanjet-{}", config.name),
            Purpose::Reads | Purpose::Notices => format!("fanjet-{}-{purpose}", config.name),
        })
        .client_capacity(CLIENT_CAPACITY)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .connection_timeout(config.connect_timeout)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(config.request_timeout))
        .require_tls(config.tls)
        .custom_inbox_prefix(&config.inbox_prefix)
        // Subjects are made of checked tokens only.
        .skip_subject_validation(true)
        .reconnect_delay_callback(reconnect_delays(purpose, config.url.len()))
        .event_callback(move |event| {
            note(purpose, &event, &breaking, &complaint);
            std::future::ready(())
        });
    if let Some(file) = &config.tls_ca_file {
        options = options.add_root_certificates(file.clone());
    }
    if let Some(file) = &config.credentials_file {
        options = options.credentials_file(file).await.map_err(|error| {
            LogError::Misconfigured(format!("cannot read {}: {error}", file.display()))
        })?;
    }
    if let Some(seed) = &config.nkey_seed {
        options = options.nkey(seed.expose().to_owned());
    }
    match (&config.user, &config.password) {
        (Some(user), Some(password)) => {
            options = options.user_and_password(user.clone(), password.expose().to_owned());
        }
        (None, None) => {}
        _ => {
            let what = "nats.user and nats.password go together".to_owned();
            return Err(LogError::Misconfigured(what));
        }
    }
    Ok(options)
}

/// A connection for reading is replaced when it breaks. The library connects again for no reader, so that may take its time.
fn reconnect_delays(
    purpose: Purpose,
    servers: usize,
) -> impl Fn(usize) -> Duration + Send + Sync + 'static {
    let quick_attempts = match purpose {
        Purpose::Main => usize::MAX,
        Purpose::Reads | Purpose::Notices => servers,
    };
    let attempts = AtomicUsize::new(0);
    move |attempt| match attempts.fetch_add(1, Ordering::Relaxed) < quick_attempts {
        true => reconnect_delay(attempt),
        false => MAX_RECONNECT_DELAY,
    }
}

fn reconnect_delay(attempt: usize) -> Duration {
    let doublings = attempt.saturating_sub(1).min(6) as u32;
    (Duration::from_millis(50) * 2_u32.pow(doublings)).min(MAX_RECONNECT_DELAY)
}

fn note(purpose: Purpose, event: &Event, breaking: &watch::Sender<u64>, complaint: &Complaint) {
    match event {
        Event::Connected => info!(%purpose, "connected to NATS"),
        Event::Disconnected | Event::Closed => {
            breaking.send_modify(|count| *count += 1);
            warn!(%purpose, "the connection to NATS is lost");
        }
        Event::SlowConsumer(_) => warn!("a NATS subscription overflowed, its reader starts over"),
        Event::LameDuckMode | Event::Draining => info!(%event, "the NATS server is leaving"),
        Event::ServerError(error) => complain(complaint, error),
        Event::ClientError(error) => complain(complaint, error),
    }
}

fn complain(complaint: &Complaint, error: &dyn fmt::Display) {
    warn!(%error, "NATS complains");
    *complaint.lock() = Some((error.to_string(), Instant::now()));
}

fn check_server(
    client: &Client,
    server: &ServerInfo,
    purpose: Purpose,
    content: Content,
) -> Result<(), LogError> {
    let (major, minor, patch) = OLDEST_SERVER;
    if !client.is_server_compatible(major, minor, patch) {
        return Err(LogError::Misconfigured(format!(
            "the NATS server has version {}, {major}.{minor}.{patch} is needed",
            server.version
        )));
    }
    // It was large enough for the existing log, and an operator may raise it again, so waiting can help. Readers need no large
    // messages from this client: a server that became too small stops only writers.
    if purpose == Purpose::Main && server.max_payload < content.max_message() {
        return Err(Unavailable::SmallPayload(server.max_payload, content).into());
    }
    Ok(())
}
