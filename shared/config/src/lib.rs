//! Settings: defaults < file < environment < flags, checked once, printable.
//!
//! Each service ships its defaults as a commented TOML text that names every key, so an unknown key anywhere is an
//! error and never a silent typo. This is the only crate that reads the process environment.

mod flags;
mod service_links;
mod sections;
mod list;
mod secret;
mod error;
mod load;
mod range;
mod process;

pub use error::{ConfigError, EXIT_CONFIG};
pub use flags::{Flags, HealthQuestion};
pub use list::list;
pub use load::{Sources, ignored_service_links, load, of_other_roles, process_env};
pub use process::{fail, settings_or_exit};
pub use range::{OutOfRange, Range, check_ranges, check_section, numbers_and_times};
pub use secret::Secret;
pub use sections::SECTIONS;
