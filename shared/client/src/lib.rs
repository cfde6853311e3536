//! A client for any Jetstream server.
//!
//! It connects anew for ever, with growing pauses, behind the last event that it handed out: no event is lost, and none
//! comes twice, as long as the server still has what happened meanwhile. Only what trying again cannot help is an error.
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
//!     // Save event.time_us() when the event is dealt with: that is where this program goes on after a restart.
//! }
//! # }
//! ```
//!
//! `examples/feed.rs` is a whole program that keeps its cursor.
//!
//! # What it relies on
//! Cursors are times (`time_us`), inclusive, and the same on all servers behind one name. Public servers behind one name may
//! stamp events on their own: give the name of one of them. What a server has forgotten when the client comes back is
//! missing, and no Jetstream server says so.
//!
//! # In the order of the modules
//! [`endpoint`] and [`filter`] say what is asked for; a [`connection`] is one WebSocket, [`unpack`] its compression; a
//! [`position`] decides what was handed out before; [`events`] connects anew.

mod error;
mod endpoint;
mod filter;
mod event;
mod unpack;
mod connection;
mod position;
mod events;

pub use endpoint::Endpoint;
pub use error::ClientError;
pub use event::{Account, Commit, Event, Identity, ParsedEvent, What};
pub use events::{Client, Events, Update};
pub use filter::Filter;
