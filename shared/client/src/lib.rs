//! A client for any Jetstream server.
//!
//! It reconnects forever, with exponential backoff, behind the last event that it returned: no event is lost or
//! repeated, as long as the server still has the events of the meantime. Only a failure that retrying cannot fix is an
//! error.
//!
//! ```no_run
//! use fanjet_client::{Client, Filter, What};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Post {
//!     text: String,
//! }
//!
//! # async fn feed(saved: Option<u64>) -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::new("wss://jetstream2.us-east.bsky.network".parse()?)
//!     .filter(Filter::default().collection("app.bsky.feed.post"))
//!     .compressed(true);
//! if let Some(time_us) = saved {
//!     client = client.behind(time_us);
//! }
//! let mut events = client.events();
//! loop {
//!     let event = events.next().await?;
//!     let parsed = event.parse()?;
//!     if let What::Commit(commit) = parsed.what
//!         && let Some(Ok(post)) = commit.record_as::<Post>()
//!     {
//!         println!("{}: {}", parsed.did, post.text);
//!     }
//!     // Save event.time_us() when the event is processed: the program continues there after a restart.
//! }
//! # }
//! ```
//!
//! `examples/feed.rs` is a whole program that keeps its cursor.
//!
//! # Requirements
//! Cursors are times (`time_us`), inclusive, and the same on all servers behind one name. Public servers behind one
//! name may stamp events on their own: use the name of one server. Events that a server has deleted by the time the
//! client reconnects are missing, and no Jetstream server reports that.
//!
//! # Modules
//! [`endpoint`] and [`filter`] describe the request; a [`connection`] is one WebSocket, [`unpack`] its compression; a
//! [`resume_point`] detects events that were returned before; [`events`] reconnects.

mod error;
mod endpoint;
mod filter;
mod event;
mod unpack;
mod connection;
mod resume_point;
mod events;

pub use endpoint::Endpoint;
pub use error::ClientError;
pub use event::{Account, Commit, Event, Identity, ParsedEvent, What};
pub use events::{Client, Events, Update};
pub use filter::Filter;
