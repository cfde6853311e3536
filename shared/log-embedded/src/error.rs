//! Errors on opening the folder, and what an operator can do about them.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use crate::format::header;

/// The folder was not opened. It is left as it was found.
#[derive(Debug, Error)]
pub enum OpenError {
    /// An invalid setting. The operator is at fault.
    #[error("invalid setting {key}: {what}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What is allowed.
        what: String,
    },
    /// Another process has the folder open. Retry when it has stopped.
    #[error("the log in {} is in use by another process: stop it, or set another path", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The files were written with another format version.
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
    /// Stored data is damaged. An operator must act.
    #[error(
        "{} is damaged at byte {offset}: {what}. Restore the file from a copy; or {remedy}",
        file.display()
    )]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// The offset of the damage.
        offset: u64,
        /// What is wrong there.
        what: String,
        /// What an operator without a backup can do.
        remedy: Remedy,
    },
    /// The file with the log's identity is invalid. An operator must act.
    #[error(
        "{} is damaged: it does not contain the log's identity. Restore it from a copy; or remove it, which gives the log a new identity and invalidates all cursors",
        path.display()
    )]
    Identity {
        /// The file.
        path: PathBuf,
    },
    /// The caller that opened the folder no longer waits.
    #[error("opening the log was canceled")]
    GivenUp,
    /// The operating system refused. Retry.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// The operation.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl OpenError {
    /// Whether opening can succeed later without a change of settings or files.
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

    /// A read error at an offset. Lost sectors are damage like any other.
    pub(crate) fn read(file: &Path, offset: u64) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            if is_unreadable(&error) {
                return Self::damaged(file, offset, format!("read failed: {error}"));
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

    /// The same in the last segment. Giving up everything older as well would restart the numbering.
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

/// The system's error for lost sectors; occasionally also for other causes.
pub(crate) fn is_unreadable(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

/// How to continue without the damaged data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Remedy {
    /// Retention would do the same, only later.
    #[error(
        "give up its events and all older ones: move it and all segments with lower numbers out of the folder"
    )]
    GiveUpOlder,
    /// Whole segments before it stay.
    #[error("give up its events: move it out of the folder")]
    GiveUpFile,
    /// Everything before the damage stays.
    #[error("give up everything behind the damage: cut it off with `truncate -s {at}`")]
    CutOff {
        /// The remaining length.
        at: u64,
    },
}
