//! Letting clients in.

mod server;
mod connections;

mod admit;
mod subscribe;
mod events;
mod endless;
mod posted;

mod client_address;
mod api_key;
mod admission;
mod refusal;

mod status;
mod front_page;

pub(crate) use admission::Admission;
pub(crate) use connections::Connections;
#[cfg(test)]
pub(crate) use connections::REFUSED_CONNECTION_REASONS;
pub(crate) use refusal::{Refusal, outside_pool};
pub(crate) use server::Server;
