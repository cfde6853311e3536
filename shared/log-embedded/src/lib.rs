//! The event log in a folder of one machine: segment files, one writer thread, any number of readers.
//!
//! Rules that the rest rests on:
//!
//! - Nothing is acknowledged and nothing is shown to a reader before it is synced. So what was seen once is there after
//!   a crash.
//! - A segment is written from front to back and never changed. Retention takes whole segments, oldest first.
//! - Every byte is under a checksum, and opening reads them all. A torn end of the last segment is what a crash leaves
//!   and is cut off; any other damage stops the process with the file and the offset.
//!
//! This crate must never look into a body, except at its beginning for the log time, and never block a worker thread of
//! the runtime for the disk.

mod format;
mod error;
mod config;

mod disk;
mod folder;
mod identity;

mod tail;
mod state;
mod recover;

mod troubles;
mod queue;
mod block;
mod shared;

mod writer;
mod retention;
mod inner;

mod append;
mod decode;
mod read;
mod follow;
mod seek;

mod log;
mod bookmarks;

#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;

pub use bookmarks::FolderBookmarks;
pub use config::{EmbeddedConfig, Sync, Verify};
pub use error::{OpenError, Remedy};
pub use log::EmbeddedLog;
pub use troubles::Troubles;
