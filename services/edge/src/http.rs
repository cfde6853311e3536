//! Letting clients in.

mod server;

mod subscribe;

mod admission;
mod refusal;

mod front_page;

pub(crate) use admission::Admission;
pub(crate) use refusal::{Refusal, outside_pool};
pub(crate) use server::Server;
