//! A firehose of real, signed frames from a seeded world.
//!
//! [`World`] makes the frames and says what must come of each; [`Simulator`] serves them over WebSocket as a relay
//! does, with the faults that relays and networks have. Bytes are written here by hand and never with the
//! project's own decoder, which is what they are meant to test.

mod error;

mod directory;
mod expected;

// What can be wrong, and what is asked for.
pub mod faults;
mod config;

// What happens, and what must come of it.
mod world;

// Where frames go, in this order.
mod recording;
mod renumber;
mod history;
mod mute;
mod publisher;

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
