//! Connects, returns events, reconnects.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use fanjet_runtime::Backoff;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::connection::{Came, Connection, Ended};
use crate::event::NoEvent;
use crate::resume_point::ResumePoint;
use crate::{ClientError, Endpoint, Event, Filter};

const RECONNECT_MIN: Duration = Duration::from_millis(500);
const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// How many characters of an invalid message are shown.
const SHOWN: usize = 80;

/// A client's options.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: Endpoint,
    filter: Filter,
    start: Start,
    is_compressed: bool,
    is_v2: bool,
    reconnect: (Duration, Duration),
}

impl Client {
    /// Everything from now on, uncompressed.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            filter: Filter::default(),
            start: Start::Now,
            is_compressed: false,
            is_v2: false,
            reconnect: (RECONNECT_MIN, RECONNECT_MAX),
        }
    }

    /// Only events that match the filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Starts at this cursor, inclusive: a `time_us`, or anything else that the server accepts as a cursor.
    #[must_use]
    pub fn starting_at(mut self, cursor: u64) -> Self {
        self.start = Start::At(cursor);
        self
    }

    /// Starts behind this event, which was processed before: its `time_us`.
    #[must_use]
    pub fn behind(mut self, time_us: u64) -> Self {
        self.start = Start::Behind(time_us);
        self
    }

    /// Lets the server compress with zstd and Jetstream's dictionary: less than half the bytes.
    #[must_use]
    pub fn compressed(mut self, is_compressed: bool) -> Self {
        self.is_compressed = is_compressed;
        self
    }

    /// Reads Jetstream v2 (`network.bsky.jetstream.subscribeEvents`), as text. Cursors are seqs or times; the client resumes
    /// with the seq of the last event.
    #[must_use]
    pub fn v2(mut self, is_v2: bool) -> Self {
        if is_v2 {
            self.endpoint = self.endpoint.of_v2();
        }
        self.is_v2 = is_v2;
        self
    }

    /// Backoff between connections: from `first` to `longest`. Default: half a second to half a minute.
    #[must_use]
    pub fn reconnecting(mut self, min: Duration, max: Duration) -> Self {
        self.reconnect = (min, max);
        self
    }

    /// Returns the events. The client connects when the first one is requested.
    pub fn events(self) -> Events {
        let (min, max) = self.reconnect;
        Events {
            position: match self.start {
                Start::Now => ResumePoint::at(None),
                Start::At(cursor) => ResumePoint::at(Some(cursor)),
                Start::Behind(time_us) => ResumePoint::behind(time_us),
            },
            has_served: false,
            backoff: Backoff::new(min, max),
            state: State::Waiting(None),
            client: self,
        }
    }
}

/// Where the events start.
#[derive(Debug, Clone, Copy)]
enum Start {
    Now,
    At(u64),
    Behind(u64),
}

/// Something that happens at a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The next event.
    Event(Event),
    /// The client connected.
    Connected,
    /// The client is disconnected, and reconnects after a pause.
    Disconnected {
        /// The reason; may quote the server's text, which is untrusted.
        reason: String,
        /// The length of the pause.
        pause: Duration,
        /// Whether a server responded at all.
        was_reached: bool,
    },
    /// A message that is not an event, described; may quote untrusted text.
    Skipped(String),
    /// What a v2 server says about its stream: that it starts later than was asked, or why it ends. Untrusted text.
    Notice(String),
}

/// The events of a [`Client`], across any number of connections.
pub struct Events {
    client: Client,
    position: ResumePoint,
    backoff: Backoff,
    /// An event was received, new or not, or a notice of v2: the server is a Jetstream server.
    has_served: bool,
    state: State,
}

enum State {
    /// When to connect; `None` means now.
    Waiting(Option<Instant>),
    Connecting(BoxFuture<'static, Result<Connection, Ended>>),
    Connected(Box<Connection>),
}

impl Events {
    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError`]: there will be no more events.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Update::Event(event) = self.next_update().await? {
                return Ok(event);
            }
        }
    }

    /// The next item: an event, or a change of the connection. Cancel-safe.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_update(&mut self) -> Result<Update, ClientError> {
        loop {
            match &mut self.state {
                State::Waiting(until) => {
                    if let Some(until) = *until {
                        sleep_until(until).await;
                    }
                    self.state = State::Connecting(self.connect());
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(connection) => {
                        self.state = State::Connected(Box::new(connection));
                        return Ok(Update::Connected);
                    }
                    Err(ended) => return self.ended(ended),
                },
                State::Connected(connection) => match connection.next().await {
                    Ok(came) => {
                        if let Some(update) = self.take(came)? {
                            return Ok(update);
                        }
                    }
                    Err(ended) => return self.ended(ended),
                },
            }
        }
    }

    /// Replaces the filter: events that the server has not filtered yet are matched against the new one. If the
    /// connection breaks meanwhile, the client reconnects with it.
    pub async fn update(&mut self, filter: Filter) {
        self.client.filter = filter;
        match &mut self.state {
            State::Waiting(_) => {}
            // It was opened with the old filter.
            State::Connecting(_) => self.state = State::Waiting(None),
            // v2 has no messages.
            State::Connected(_) if self.client.is_v2 => self.state = State::Waiting(None),
            State::Connected(connection) => {
                if connection.send(self.client.filter.message()).await.is_err() {
                    self.state = State::Waiting(None);
                }
            }
        }
    }

    /// Closes the connection.
    pub async fn close(self) {
        if let State::Connected(connection) = self.state {
            connection.close().await;
        }
    }

    fn connect(&mut self) -> BoxFuture<'static, Result<Connection, Ended>> {
        let Client {
            endpoint,
            filter,
            is_compressed,
            is_v2,
            ..
        } = &self.client;
        let cursor = self.position.connect().map(|cursor| cursor.to_string());
        let is_v2 = *is_v2;
        let is_long = filter.is_long() && !is_v2;
        let listed = match (is_long, is_v2) {
            (true, _) => Vec::new(),
            (_, false) => filter.query(),
            (_, true) => filter.v2_query(),
        };
        let pairs = listed.iter().map(|(key, value)| (*key, value.as_str()));
        let hello = is_long.then_some(("requireHello", "true"));
        let compress = (*is_compressed && !is_v2).then_some(("compress", "true"));
        let cursor = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let url = endpoint.with(pairs.chain(hello).chain(compress).chain(cursor));
        let hello = is_long.then(|| filter.message());
        Box::pin(async move {
            let mut connection = Connection::open(url, is_v2).await?;
            if let Some(hello) = hello {
                connection.send(hello).await?;
            }
            Ok(connection)
        })
    }

    fn take(&mut self, came: Came) -> Result<Option<Update>, ClientError> {
        let json = match came {
            Came::Json(json) => json,
            Came::Unreadable(what) => return self.no_event(what).map(Some),
            Came::Skipped(skipped) => {
                if let Some(time_us) = skipped.place {
                    self.position.skip(time_us);
                }
                let what = format!("event of {} bytes is too large", skipped.bytes);
                return Ok(Some(Update::Skipped(what)));
            }
        };
        let event = match self.client.is_v2 {
            false => Event::of(json.clone()).ok_or_else(|| {
                NoEvent::Foreign(format!("an event without time_us: {}", shown(&json)))
            }),
            true => Event::of_v2(json),
        };
        let event = match event {
            Ok(event) => event,
            Err(NoEvent::Foreign(what)) => return self.no_event(what).map(Some),
            Err(NoEvent::Notice(what)) => {
                self.has_served = true;
                return Ok(Some(Update::Notice(what)));
            }
        };
        self.has_served = true;
        if !self.position.admit(event.position(), event.json()) {
            return Ok(None);
        }
        self.backoff.reset();
        Ok(Some(Update::Event(event)))
    }

    /// An invalid message is skipped once the server has sent an event.
    fn no_event(&self, what: String) -> Result<Update, ClientError> {
        match self.has_served {
            true => Ok(Update::Skipped(what)),
            false => Err(ClientError::Foreign {
                url: self.client.endpoint.to_string(),
                what,
            }),
        }
    }

    fn ended(&mut self, ended: Ended) -> Result<Update, ClientError> {
        match ended {
            Ended::Broken {
                reason,
                was_reached,
            } => {
                let pause = self.backoff.next_pause();
                self.state = State::Waiting(Some(Instant::now() + pause));
                Ok(Update::Disconnected {
                    reason,
                    pause,
                    was_reached,
                })
            }
            Ended::Refused { status, answer } => {
                self.state = State::Waiting(None);
                Err(ClientError::Refused {
                    url: self.client.endpoint.to_string(),
                    status,
                    answer,
                })
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("client", &self.client)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

fn shown(json: &Bytes) -> String {
    String::from_utf8_lossy(json).chars().take(SHOWN).collect()
}
