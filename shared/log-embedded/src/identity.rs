//! The log's identity: a file beside the segments, created with the first of them.

use std::fs;
use std::io;
use std::path::Path;

use fanjet_log::LogIdentity;

use crate::OpenError;
use crate::disk::Disk;
use crate::folder::create_whole;

const FILE: &str = "identity";
/// The identity of the original, in the folder of a copy.
const COPY_OF: &str = "copy-of";

/// Whether the folder contains a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It has segments.
    Log,
    /// It has no segments: an earlier log is gone.
    Nothing,
}

/// The folder's identity. A folder without a log gets a `fresh` one, and so does a log that was created before logs had
/// identities.
pub(crate) fn keep(
    disk: &dyn Disk,
    folder: &Path,
    holds: Holds,
    fresh: LogIdentity,
) -> Result<LogIdentity, OpenError> {
    if holds == Holds::Log
        && let Some(identity) = read(folder, FILE)?
    {
        return Ok(identity);
    }
    create_whole(disk, folder, FILE, format!("{fresh}\n").as_bytes())
        .map_err(OpenError::io("write the identity of the log to", folder))?;
    Ok(fresh)
}

/// The log that the folder has a copy of, if it has one. A damaged mark is none.
pub(crate) fn of_copy(folder: &Path) -> Result<Option<LogIdentity>, OpenError> {
    match read(folder, COPY_OF) {
        Err(OpenError::Identity { .. }) => Ok(None),
        outcome => outcome,
    }
}

/// Whether what the folder has is a copy, of whatever log.
pub(crate) fn is_copy(folder: &Path) -> bool {
    folder.join(COPY_OF).exists()
}

/// Marks the folder as a copy's.
pub(crate) fn mark_copy(disk: &dyn Disk, folder: &Path, of: LogIdentity) -> Result<(), OpenError> {
    create_whole(disk, folder, COPY_OF, format!("{of}\n").as_bytes())
        .map(drop)
        .map_err(OpenError::io("mark as a copy", folder))
}

fn read(folder: &Path, file: &str) -> Result<Option<LogIdentity>, OpenError> {
    let path = folder.join(file);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io("read", &path)(error)),
    };
    let identity = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.trim_end().parse().ok());
    match identity {
        Some(identity) => Ok(Some(identity)),
        None => Err(OpenError::Identity { path }),
    }
}

#[cfg(test)]
mod tests;
