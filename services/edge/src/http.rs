//! Letting clients in.

mod admission;
mod front_page;
mod refusal;
mod server;
mod subscribe;

pub(crate) use admission::Admission;
pub(crate) use refusal::Refusal;
pub(crate) use server::Server;
