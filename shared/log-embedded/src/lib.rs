//! The event log in a local folder: segment files, one writer thread, any number of readers.
//!
//! Rules that everything else depends on:
//!
//! - Nothing is acknowledged, and nothing is visible to a reader, before it is synced. So an event that was seen once
//!   survives a crash.
//! - A segment is written from front to back and never changed. Retention removes whole segments, oldest first.
//! - Every byte has a checksum, and opening verifies them all. A crash may leave a torn end in the last segment, which
//!   is cut off; any other damage stops the process with the file and the offset.
//!
//! A [`LogCopy`] is the same folder for a part of another log: it is neither synced nor a truth of its own.
//!
//! This crate must never parse a body, except its start for the log time, and never block a worker thread of the
//! runtime for the disk.

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
mod demand;
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
mod copy;

#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;

pub use bookmarks::FolderBookmarks;
pub use config::{EmbeddedConfig, Sync, Verify};
pub use copy::{Copied, CopyAppender, CopyConfig, LogCopy, Past};
pub use error::{OpenError, Remedy};
pub use log::EmbeddedLog;
pub use troubles::Troubles;
