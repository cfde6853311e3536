//! An in-memory log with faults, events, a node and clients.

mod append;
mod client;
mod descriptors;
mod events;
mod faulty_log;
mod instruments;
mod node;
mod request;
mod stream;
mod trickling;
mod v2_client;

pub(crate) use append::append;
pub(crate) use client::{Client, decompressed};
pub(crate) use descriptors::descriptors;
pub(crate) use events::{Event, commit, event, time_of};
pub(crate) use faulty_log::{Fault, FaultyLog};
pub(crate) use instruments::Instruments;
pub(crate) use node::{Node, eventually};
pub(crate) use request::{body, request, request_as};
pub(crate) use stream::EventStream;
pub(crate) use trickling::Trickling;
pub(crate) use v2_client::{V2Client, v2_of};
