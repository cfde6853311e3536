//! Settings: defaults < file < environment < flags. They are checked once and can be printed.
//!
//! The defaults of each section are a commented TOML file in the crate that owns it ([`Fragment`]). It lists every key and the
//! allowed values, so an unknown key is an error and never a silent typo. A role is a list of sections ([`Role`]). This is the
//! only crate that reads the process environment.

mod flags;
mod service_links;
mod list;
pub mod optional;
mod secret;
mod error;
mod allowed;
mod fragment;
mod role;
mod load;
mod print;
mod reference;
mod process;

pub use allowed::Allowed;
pub use error::{ConfigError, EXIT_CONFIG};
pub use flags::{Flags, HealthQuestion};
pub use fragment::{Entry, Fragment, Section, entries};
pub use list::list;
pub use load::{Sources, ignored_service_links, load, of_other_roles, process_env};
pub use process::{fail, settings_or_exit};
pub use reference::{Described, reference};
pub use role::Role;
pub use secret::Secret;
