//! Asking the hosts that did:web names.
//!
//! Whoever makes an account chooses the host, and everybody who looks its document up connects there. So a host is asked
//! over HTTPS only, at its standard port, without redirects, and only at public addresses: no DID may make us knock at a
//! neighbour's door. [`document_url`] refuses what is no name before anything is looked up, and [`within`] makes a client
//! that checks the addresses when it connects, so that a name that changes its mind in between gains nothing.
//!
//! How much is read, how long it may take and how often it is tried is for whoever asks.

mod url;
mod public;

pub use public::within;
pub use url::{Reach, document_url};
