//! A whole cluster in one process, in simulated time, from one seed.
//!
//! Real code on one thread: two ingests with their lease, the log in memory, three edges with their hub, replay and
//! subscribers. Simulated are what they share: time, the network to the log ([`link`]), relays ([`relay`]) and clients
//! ([`client`]). The events of the world, as the simulator made them, are compared with the log ([`ledger`]), and the log
//! with what each client received ([`record`]).
//!
//! Nothing here may read the wall clock, open a socket or draw from anything but the run's [`dice`].

mod clock;
mod dice;
mod event;
mod world;

mod link;
mod log;
mod ledger;
mod relay;

mod cluster;

mod record;
mod client;
mod faults;

mod plan;
mod run;
mod shrink;

pub use faults::{Fired, KINDS, Kind, LogFault};
pub use plan::Plan;
pub use run::{Outcome, run};
pub use shrink::shrink;
pub use world::History;
