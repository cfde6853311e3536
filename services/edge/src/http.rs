//! Accepting and serving HTTP requests.

mod descriptors;
mod connections;
mod client_address;
mod api_key;
mod admission;

mod posted;
mod admit;

mod worker;
mod dictionaries;
mod context;

mod subscribe;
mod endless;
mod events;

mod xrpc;
mod firehose;
mod labels;
mod sync;

mod status;
mod front_page;

mod server;

#[cfg(feature = "simulation")]
mod without_sockets;

pub(crate) use admission::Admission;
pub(crate) use admit::AdmitContext;
#[cfg(test)]
pub(crate) use connections::REFUSED_CONNECTION_REASONS;
pub(crate) use context::HttpContext;
pub(crate) use descriptors::Descriptors;
pub(crate) use dictionaries::ServedDictionaries;
pub(crate) use firehose::FirehoseContext;
pub(crate) use labels::LabelsContext;
pub(crate) use server::Server;
#[cfg(feature = "simulation")]
pub(crate) use without_sockets::subscribe_without_socket;
#[cfg(feature = "simulation")]
pub(crate) use worker::Worker;
pub(crate) use worker::WorkerContext;
