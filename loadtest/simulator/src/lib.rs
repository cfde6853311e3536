//! A firehose of real, signed frames from a seeded world.
//!
//! [`World`] makes the frames and says what must come of each; [`Simulator`] serves them over WebSocket as a relay
//! does, with the faults that relays and networks have. Bytes are written here by hand and never with the
//! project's own decoder, which is what they are meant to test.

mod config;
mod directory;
mod error;
mod expected;
pub mod faults;
mod history;
mod publisher;
mod recording;
mod server;
mod simulator;
mod world;

pub use config::{Rate, SimulatorConfig, Source, WorldConfig};
pub use directory::Directory;
pub use error::SimulatorError;
pub use expected::{ExpectedEvent, ExpectedKind};
pub use faults::{FaultKind, FaultRule, FaultTrigger};
pub use server::Stats;
pub use simulator::{Simulator, SimulatorHandle};
pub use world::{ProducedFrame, World};
