//! Why the folder cannot be opened, and what an operator can do about it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use crate::format::header;

/// A folder that was not opened. What was found is left as it was.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A setting that cannot be. The operator's fault.
    #[error("wrong setting {key}: {what}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is allowed.
        what: String,
    },
    /// Somebody else has the folder open. Try again when it has stopped.
    #[error("the log in {} is in use by another process: stop it, or set another path", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The files were written by a program with another format.
    #[error(
        "{} has format version {found}, this program reads version {expected}: run the program that wrote it, or move the folder away",
        file.display()
    )]
    Version {
        /// The segment.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// What this program reads.
        expected: u32,
    },
    /// Our own data is damaged. An operator must act.
    #[error(
        "{} is damaged at byte {offset}: {what}. Restore the file from a copy; or {remedy}",
        file.display()
    )]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
        /// What an operator without a copy can do.
        remedy: Remedy,
    },
    /// The file that says which log this is says nothing. An operator must act.
    #[error(
        "{} is damaged: it does not say which log this is. Restore it from a copy; or remove it, which makes this another log to whoever remembers it",
        path.display()
    )]
    Identity {
        /// The file.
        path: PathBuf,
    },
    /// Whoever opened the folder no longer waits for it.
    #[error("opening the log was given up")]
    GivenUp,
    /// The operating system refused. Try again.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl OpenError {
    /// Whether opening can succeed later without anybody changing settings or files.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::Io { .. })
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// Of a read at an offset. What the disk has lost is damage like any other.
    pub(crate) fn read(file: &Path, offset: u64) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            if is_unreadable(&error) {
                return Self::damaged(file, offset, format!("the disk cannot read it: {error}"));
            }
            Self::io("read", file)(error)
        }
    }

    pub(crate) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            offset,
            what: what.into(),
            remedy: Remedy::GiveUpOlder,
        }
    }

    /// The same in the last segment. Giving up everything older as well would start the numbering over.
    pub(crate) fn in_last_segment(mut self) -> Self {
        if let Self::Damaged { offset, remedy, .. } = &mut self {
            *remedy = if *offset < header::LEN as u64 {
                Remedy::GiveUpFile
            } else {
                Remedy::CutOff { at: *offset }
            };
        }
        self
    }
}

/// What a disk answers for sectors that it has lost; now and then also for others.
pub(crate) fn is_unreadable(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

/// How to go on without what is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Remedy {
    /// Retention would have done the same, only later.
    #[error(
        "give up its events and all older ones: move it and all segments with lower numbers out of the folder"
    )]
    GiveUpOlder,
    /// Whole segments before it stay.
    #[error("give up its events: move it out of the folder")]
    GiveUpFile,
    /// What is before the damage stays.
    #[error("give up what is behind the damage: cut it off with `truncate -s {at}`")]
    CutOff {
        /// The length that is left.
        at: u64,
    },
}
