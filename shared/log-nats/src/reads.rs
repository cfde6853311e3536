//! The connection on which stored messages come as they were published.
//!
//! The client library ends a connection whose next message it cannot parse, and at some messages the task that serves it.
//! Strangers can put such messages into the stream. So what they wrote is read on a connection of its own, which may be lost
//! at any time: everything else this process does in NATS does not notice. When it broke by itself it is not used for a while.
//! Meanwhile everything is read from the leader, one message at a time, in a form that the library need not parse
//! ([`crate::careful`]). The message that broke it is among the next ones, so that way passes it.

mod caution;

use std::ops::Range;

use fanjet_log::Seq;
use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::warn;

use crate::config::NatsConfig;
use crate::connect::{Link, Purpose};
use crate::error::Unavailable;
use crate::stretches::Stretches;

use caution::Caution;

/// Messages that one request may bring ahead of where its reader is.
pub(crate) const REACH: u64 = 4096;
/// Pages that are read carefully at the same time: the leader does the work, and each holds some messages.
const CAREFUL_PAGES: usize = 2;

/// The connection for reading, and what is known about messages that break it.
pub(crate) struct Reads {
    config: NatsConfig,
    purpose: Purpose,
    /// Shows whether the server was unreachable.
    main: Link,
    state: Mutex<State>,
    /// Held while connecting: others wait for that connection.
    opening: tokio::sync::Mutex<()>,
    unreadable: Mutex<Stretches>,
    careful_pages: Semaphore,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    caution: Caution,
}

struct Open {
    link: Link,
    /// How often the main connection had broken then.
    main_breaks: u64,
}

/// How to read now.
enum Way {
    Connection(Link),
    NewConnection,
    Careful,
}

impl Reads {
    /// Connects when it is used for the first time.
    pub(crate) fn new(config: &NatsConfig, purpose: Purpose, main: &Link) -> Self {
        Self {
            config: config.clone(),
            purpose,
            main: main.clone(),
            state: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            unreadable: Mutex::default(),
            careful_pages: Semaphore::new(CAREFUL_PAGES),
        }
    }

    /// The connection. `None`: it broke a moment ago, read carefully.
    pub(crate) async fn link(&self) -> Result<Option<Link>, Unavailable> {
        if let Way::Connection(link) = self.way() {
            return Ok(Some(link));
        }
        let _opening = self.opening.lock().await;
        match self.way() {
            Way::Connection(link) => return Ok(Some(link)),
            Way::Careful => return Ok(None),
            Way::NewConnection => {}
        }
        let main_breaks = self.main.breaks();
        // Boxed: the handshakes are large.
        let opening = Box::pin(Link::open(&self.config, self.purpose));
        let link = opening
            .await
            .map_err(|error| Unavailable::NoConnection(error.to_string()))?;
        self.state.lock().open = Some(Open {
            link: link.clone(),
            main_breaks,
        });
        Ok(Some(link))
    }

    /// Whether the connection broke by itself a moment ago.
    pub(crate) fn is_careful(&self) -> bool {
        matches!(self.way(), Way::Careful)
    }

    fn way(&self) -> Way {
        let mut state = self.state.lock();
        let now = Instant::now();
        if let Some(open) = &state.open
            && !open.link.is_broken()
        {
            return Way::Connection(open.link.clone());
        }
        if let Some(open) = state.open.take() {
            // The library would keep reconnecting, although the connection is unused.
            open.link.client.drain().now_or_never();
            if open.main_breaks == self.main.breaks() {
                let pause = state.caution.broke(now);
                warn!(
                    purpose = %self.purpose,
                    ?pause,
                    "connection to NATS broke by itself, reading single messages meanwhile"
                );
            }
        }
        match state.caution.is_on(now) {
            true => Way::Careful,
            false => Way::NewConnection,
        }
    }

    /// The connection, for somebody who has no other way.
    pub(crate) async fn only_link(&self) -> Result<Link, Unavailable> {
        self.link().await?.ok_or(Unavailable::Disconnected)
    }

    /// A turn to read a page carefully.
    pub(crate) async fn careful_page(&self) -> Result<SemaphorePermit<'_>, Unavailable> {
        let turn = self.careful_pages.acquire().await;
        // It is never closed.
        turn.map_err(|_| Unavailable::Disconnected)
    }

    /// Remembers a message that the library cannot parse.
    pub(crate) fn note_unreadable(&self, seq: Seq) {
        self.unreadable.lock().add(seq..seq + 1);
    }

    /// Messages in a row that are known to be unreadable: the first ones at or above a seq. There may be others.
    pub(crate) fn unreadable_from(&self, seq: Seq) -> Option<Range<Seq>> {
        self.unreadable.lock().first_from(seq)
    }

    /// Whether one is known among what a request at a seq may bring.
    pub(crate) fn is_unreadable_near(&self, seq: Seq) -> bool {
        let near: Range<Seq> = seq..seq.saturating_add(REACH);
        self.unreadable_from(seq)
            .is_some_and(|it| near.contains(&it.start))
    }
}
