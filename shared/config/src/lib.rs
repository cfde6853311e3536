//! Settings: defaults < file < environment < flags, checked once, printable.
//!
//! Each service ships its defaults as a commented TOML text that names every key, so an unknown key anywhere is an
//! error and never a silent typo. This is the only crate that reads the process environment.

mod flags;
mod load;
mod list;
mod process;

mod secret;
mod error;

pub use error::{ConfigError, EXIT_CONFIG};
pub use flags::{Flags, HealthQuestion};
pub use list::list;
pub use load::{Sources, load, process_env};
pub use process::{fail, settings_or_exit};
pub use secret::Secret;
