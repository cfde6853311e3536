//! Asking the hosts that did:web and handles name.
//!
//! Whoever makes an account chooses the host, and everybody who looks its document or its handle up connects there. So a
//! host is asked over HTTPS only, at its standard port, and only at public addresses: no account may make us knock at a
//! neighbour's door. [`document_url`] and [`handle_url`] refuse what is no name before anything is looked up, and [`within`]
//! makes a client that checks the addresses when it connects, so that a name that changes its mind in between gains
//! nothing. It follows no redirects: documents have none, and for handles [`redirects`] allows them within the same rules.
//!
//! How much is read, how long it may take and how often it is tried is for whoever asks.

mod url;
mod site;
mod resolver;
mod public;

pub use public::{redirects, within, within_by};
pub use resolver::{NoAnswer, Resolver};
pub use site::site;
pub use url::{HANDLE_PREFIX, Reach, document_url, handle_url};
