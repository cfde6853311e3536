//! Requests to the hosts that did:web identifiers and handles name.
//!
//! The account's owner chooses the host, and every consumer that resolves the document or the handle connects to it. So
//! hosts are contacted over HTTPS only, at the standard port, and only at public addresses: no account may make this
//! process probe its own network. [`document_url`] and [`handle_url`] reject invalid names before any lookup, and
//! [`within`] builds a client that checks addresses when it connects, so DNS rebinding gains nothing. The client
//! follows no redirects: documents have none, and for handles [`redirects`] allows them under the same rules.
//!
//! Callers set the size limits, the deadlines and the retries.

mod url;
mod site;
mod resolver;
mod public;

pub use public::{public_addresses, redirects, within, within_by};
pub use resolver::{NoAnswer, Resolver};
pub use site::site;
pub use url::{HANDLE_PREFIX, Reach, document_url, handle_url};
