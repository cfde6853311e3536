//! The names in the folder: which files are the log's, and who has it open.

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
/// Every seq has so many digits in a name, so that names sort like seqs.
const DIGITS: usize = 20;

/// The folder, held against other processes as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// What is locked: a name in it can be removed, and made anew by somebody else.
    folder: File,
    /// What releases before locked; and what is locked where a folder cannot be.
    _file: Option<File>,
}

/// Makes the folder if it is not there, and takes it.
pub(crate) fn lock(disk: &dyn Disk, folder: &Path) -> Result<Lock, OpenError> {
    make(disk, folder)?;
    let held = File::open(folder).map_err(OpenError::io("open", folder))?;
    let is_held = match held.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => return Err(in_use(folder)),
        // Some file systems cannot lock folders.
        Err(TryLockError::Error(error)) => {
            warn!(folder = %folder.display(), %error, "cannot lock the folder of the log, locking a file in it only");
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
        // Nothing can be written there at the moment, which is no reason not to read.
        Err(error) if is_held => {
            warn!(file = %path.display(), %error, "cannot open the lock file, the folder itself is locked");
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
    /// Whether the folder is still where it was: what is written into one that was removed is gone with the process.
    pub(crate) fn check(&self) -> io::Result<()> {
        let held = self.folder.metadata()?;
        let is_it = |found: &fs::Metadata| (found.dev(), found.ino()) == (held.dev(), held.ino());
        match fs::metadata(&self.path) {
            Ok(found) if is_it(&found) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(about("look at the folder", &self.path, &error))
            }
            _ => Err(io::Error::other(format!(
                "the folder {} was removed or replaced while it was in use",
                self.path.display()
            ))),
        }
    }
}

/// That a file has not been removed while it was written.
pub(crate) fn check_linked(file: &File) -> io::Result<()> {
    if file.metadata()?.nlink() > 0 {
        return Ok(());
    }
    Err(io::Error::other("it was removed while it was in use"))
}

/// An error that says what was tried, with which file.
pub(crate) fn about(what: &str, path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot {what} {}: {error}", path.display());
    io::Error::new(error.kind(), text)
}

/// Makes the folder and those above it, so that all of them survive a loss of power: what is synced in a folder whose own
/// name is lost is lost with it. One above the other, each durable before the next: so only the name of the lowest that is
/// there can be missing from the disk, whenever an earlier attempt broke off.
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
            fs::create_dir(level).map_err(OpenError::io("make", level))?;
        }
        let above = match level.parent() {
            Some(above) if above.as_os_str().is_empty() => Path::new("."),
            Some(above) => above,
            None => continue,
        };
        match disk.sync_folder(above) {
            // A mount point in a folder that is not ours to read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                warn!(folder = %above.display(), %error, "cannot sync the folder above the log's");
            }
            outcome => outcome.map_err(OpenError::io("sync", above))?,
        }
    }
    Ok(())
}

/// The file of the segment that begins with `first`.
pub(crate) fn segment_path(folder: &Path, first: Seq) -> PathBuf {
    folder.join(format!("{first:0DIGITS$}{SEGMENT}"))
}

/// The segments by their first seq, oldest first. Takes away what a crash left of a segment that was being made: such
/// a file never held an event.
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
            // It is made anew when its turn comes.
            if let Err(error) = fs::remove_file(&path) {
                warn!(file = %path.display(), %error, "cannot remove what was left of a new segment");
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the file of a segment that begins with `first`. Can be repeated after an error.
pub(crate) fn create_segment(disk: &dyn Disk, folder: &Path, first: Seq) -> io::Result<File> {
    let name = format!("{first:0DIGITS$}{SEGMENT}");
    create_whole(disk, folder, &name, &header::write(first))
}

/// Makes a file, in place of one that may be there. It has its name only when its content is durable, so bad content is
/// never the trace of a crash.
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
