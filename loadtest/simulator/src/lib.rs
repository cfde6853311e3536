//! A firehose of real, signed frames from a seeded world.
//!
//! [`World`] makes the frames and says what must come of each; [`Simulator`] serves them over WebSocket as a relay
//! does, with the faults that relays and networks have. Bytes are written here by hand and never with the
//! project's own decoder, which is what they are meant to test.

// What is asked for, and what can be wrong with it.
mod config;
mod error;

// What happens, and what must come of it.
mod world;

mod directory;
mod expected;
pub mod faults;

// Where frames go, in this order.
mod recording;

mod publisher;

mod history;
mod renumber;

mod server;

mod simulator;

pub use config::{CursorHabit, Rate, SimulatorConfig, Source, WorldConfig};
pub use directory::Directory;
pub use error::SimulatorError;
pub use expected::{ExpectedEvent, ExpectedKind};
pub use faults::{FaultKind, FaultRule, FaultTrigger, MuteRule};
pub use server::Stats;
pub use simulator::{Simulator, SimulatorHandle};
pub use world::{ProducedFrame, World};
