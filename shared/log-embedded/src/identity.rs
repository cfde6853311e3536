//! Which log the folder holds: a file beside the segments, made with the first of them.

use std::fs;
use std::io;
use std::path::Path;

use fanjet_log::LogIdentity;

use crate::OpenError;
use crate::disk::Disk;

const FILE: &str = "identity";
const UNFINISHED: &str = "identity.new";

/// Whether the folder holds a log already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It has segments.
    Log,
    /// It has none: whatever log was there is gone.
    Nothing,
}

/// The folder's identity. A folder without a log becomes that of a `fresh` one, and so does a log that was made before
/// logs had identities.
pub(crate) fn keep(
    disk: &dyn Disk,
    folder: &Path,
    holds: Holds,
    fresh: LogIdentity,
) -> Result<LogIdentity, OpenError> {
    if holds == Holds::Log
        && let Some(identity) = read(folder)?
    {
        return Ok(identity);
    }
    write(disk, folder, fresh)
        .map_err(OpenError::io("write the identity of the log to", folder))?;
    Ok(fresh)
}

fn read(folder: &Path) -> Result<Option<LogIdentity>, OpenError> {
    let path = folder.join(FILE);
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

/// It has its name only when it is durable, so a file that cannot be read is never the trace of a crash.
fn write(disk: &dyn Disk, folder: &Path, identity: LogIdentity) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    let file = disk.create(&unfinished)?;
    disk.write(&file, format!("{identity}\n").as_bytes(), 0)?;
    disk.sync(&file)?;
    disk.rename(&unfinished, &folder.join(FILE))?;
    disk.sync_folder(folder)
}

#[cfg(test)]
mod tests;
