//! A simulated firehose: real, signed frames from a seeded world.
//!
//! [`World`] generates the frames and their expected events; [`Simulator`] serves them over WebSocket as a relay does,
//! with the faults of relays and networks. Bytes are written here by hand and never with the project's own decoder,
//! which they test.

mod error;

mod directory;
mod expected;

// Faults and configuration.
pub mod faults;
mod config;

// The world and the expected events.
mod world;

// Publishing, in this order.
mod recording;
mod renumber;
mod history;
mod mute;
mod publisher;

mod server;

mod simulator;
mod labeler;

pub use config::{CursorHabit, Rate, SimulatorConfig, Source, WorldConfig};
pub use directory::Directory;
pub use error::SimulatorError;
pub use expected::{ExpectedEvent, ExpectedKind};
pub use faults::{FaultKind, FaultRule, FaultTrigger, MuteRule};
pub use labeler::{ConnectionResponse, LabelSpec, Labeler, LabelerConfig, Style};
pub use server::{CrawlRequest, Stats};
pub use simulator::{Simulator, SimulatorHandle};
pub use world::{ProducedFrame, World};
