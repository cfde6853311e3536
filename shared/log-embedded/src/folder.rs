//! The files in the folder: which ones belong to the log, and which process has it open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fanjet_log::Seq;
use tracing::warn;

use crate::OpenError;
use crate::disk::Disk;
use crate::format::header;

const SEGMENT: &str = ".segment";
const UNFINISHED: &str = ".segment.new";
const LOCK: &str = "lock";
/// Seqs in file names have this many digits, so that names sort like seqs.
const DIGITS: usize = 20;

/// The folder, locked against other processes as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// The lock: a file name could be removed, and re-created by another process.
    folder: File,
    /// The lock file that earlier releases used; also for folders that cannot be locked.
    _file: Option<File>,
}

/// Creates the folder if it does not exist, and locks it.
pub(crate) fn lock(disk: &dyn Disk, folder: &Path) -> Result<Lock, OpenError> {
    make(disk, folder)?;
    let held = File::open(folder).map_err(OpenError::io("open", folder))?;
    let is_held = match held.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => return Err(in_use(folder)),
        // Some file systems cannot lock folders.
        Err(TryLockError::Error(error)) => {
            warn!(folder = %folder.display(), %error, "failed to lock the log folder, locking only the file in it");
            false
        }
    };
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = match file {
        Ok(file) => Some(file),
        // The folder cannot be written at the moment, which does not prevent reading.
        Err(error) if is_held => {
            warn!(file = %path.display(), %error, "failed to open the lock file, only the folder is locked");
            None
        }
        Err(error) => return Err(OpenError::io("open", &path)(error)),
    };
    match file.as_ref().map_or(Ok(()), File::try_lock) {
        Ok(()) => Ok(Lock {
            path: folder.to_owned(),
            folder: held,
            _file: file,
        }),
        Err(TryLockError::WouldBlock) => Err(in_use(folder)),
        Err(TryLockError::Error(error)) => Err(OpenError::io("lock", &path)(error)),
    }
}

fn in_use(folder: &Path) -> OpenError {
    OpenError::InUse {
        path: folder.to_owned(),
    }
}

impl Lock {
    /// Whether the folder is still at its path: data written to a removed folder is lost with the process.
    pub(crate) fn check(&self) -> io::Result<()> {
        let held = self.folder.metadata()?;
        let is_it = |found: &fs::Metadata| (found.dev(), found.ino()) == (held.dev(), held.ino());
        match fs::metadata(&self.path) {
            Ok(found) if is_it(&found) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(about("check the folder", &self.path, &error))
            }
            _ => Err(io::Error::other(format!(
                "the folder {} was removed or replaced while it was in use",
                self.path.display()
            ))),
        }
    }
}

/// Checks that a file was not removed while it was written.
pub(crate) fn check_linked(file: &File) -> io::Result<()> {
    if file.metadata()?.nlink() > 0 {
        return Ok(());
    }
    Err(io::Error::other("it was removed while it was in use"))
}

/// An error with the operation and the file.
pub(crate) fn about(what: &str, path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot {what} {}: {error}", path.display());
    io::Error::new(error.kind(), text)
}

/// Creates the folder and its parents, so that all of them survive a power failure: data synced in a folder is lost if
/// the folder's own name is lost. Top down, each durable before the next: so after an interrupted attempt only the name
/// of the lowest existing folder can be missing on the disk.
fn make(disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    let mut levels: Vec<&Path> = Vec::new();
    for level in folder.ancestors().filter(|it| !it.as_os_str().is_empty()) {
        levels.push(level);
        if level.is_dir() {
            break;
        }
    }
    for level in levels.into_iter().rev() {
        if !level.is_dir() {
            fs::create_dir(level).map_err(OpenError::io("create", level))?;
        }
        let above = match level.parent() {
            Some(above) if above.as_os_str().is_empty() => Path::new("."),
            Some(above) => above,
            None => continue,
        };
        match disk.sync_folder(above) {
            // A mount point in a folder that we cannot read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                warn!(folder = %above.display(), %error, "failed to sync the parent of the log folder");
            }
            outcome => outcome.map_err(OpenError::io("sync", above))?,
        }
    }
    Ok(())
}

/// The file of the segment that starts at `first`.
pub(crate) fn segment_path(folder: &Path, first: Seq) -> PathBuf {
    folder.join(format!("{first:0DIGITS$}{SEGMENT}"))
}

/// The file of such a segment before it is complete.
pub(crate) fn unfinished_path(folder: &Path, first: Seq) -> PathBuf {
    folder.join(format!("{first:0DIGITS$}{UNFINISHED}"))
}

/// The segments by their first seq, oldest first. Removes partially created segments of a crash: such a file never
/// contained an event.
pub(crate) fn segments(folder: &Path) -> Result<Vec<(Seq, PathBuf)>, OpenError> {
    let mut found = Vec::new();
    let read = || OpenError::io("read", folder);
    for entry in fs::read_dir(folder).map_err(read())? {
        let path = entry.map_err(read())?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some(first) = seq_of(name, SEGMENT) {
            found.push((first, path));
        } else if seq_of(name, UNFINISHED).is_some() {
            // It is re-created when it is needed.
            if let Err(error) = fs::remove_file(&path) {
                warn!(file = %path.display(), %error, "failed to remove a partially created segment");
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Creates the file of a segment that starts at `first`. Can be repeated after an error.
pub(crate) fn create_segment(disk: &dyn Disk, folder: &Path, first: Seq) -> io::Result<File> {
    let name = format!("{first:0DIGITS$}{SEGMENT}");
    create_whole(disk, folder, &name, &header::write(first))
}

/// Creates a file, replacing an existing one. It gets its name only when its content is durable, so invalid content is
/// never caused by a crash.
pub(crate) fn create_whole(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    content: &[u8],
) -> io::Result<File> {
    let unfinished = folder.join(format!("{name}.new"));
    let file = disk.create(&unfinished)?;
    disk.write(&file, content, 0)?;
    disk.sync(&file)?;
    disk.rename(&unfinished, &folder.join(name))?;
    disk.sync_folder(folder)?;
    Ok(file)
}

fn seq_of(name: &str, extension: &str) -> Option<Seq> {
    let digits = name.strip_suffix(extension)?;
    let is_ours = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    if is_ours { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
