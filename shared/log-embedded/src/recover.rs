//! Opening: the contents of the folder are verified before any reader sees them.
//!
//! What a crash can leave is repaired and logged: a torn end of the last segment, a missing footer, a partially created
//! segment. Everything else is damage and rejected, with the files left as they are.

mod scan;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanjet_log::Seq;
use tracing::warn;

use crate::disk::Disk;
use crate::folder::{self, about};
use crate::format::header;
use crate::state::Segment;
use crate::{OpenError, Verify};

use scan::{Scanned, Stop, check_wanted, scan};

/// The recovered log.
pub(crate) struct Recovered {
    /// Finished segments, oldest first.
    pub(crate) sealed: VecDeque<Segment>,
    /// The newest one.
    pub(crate) active: Segment,
    /// Its file.
    pub(crate) file: File,
    /// How to continue in it.
    pub(crate) then: Then,
    /// Why that is not possible at the moment.
    pub(crate) trouble: Option<io::Error>,
}

/// What must happen before the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing.
    Append,
    /// The file could not be opened for writing: open it again, and truncate it at its end.
    OpenAgain,
    /// It has its footer: start the next one, for which there was no room.
    BeginNext,
}

/// Reads the folder, and creates the first segment in an empty one: it starts at `new_first`. Checks repeatedly whether
/// it is still `wanted`: reading everything can take minutes.
pub(crate) fn recover(
    disk: &dyn Disk,
    path: &Path,
    verify: Verify,
    new_first: Seq,
    wanted: &dyn Fn() -> bool,
) -> Result<Recovered, OpenError> {
    let mut files = folder::segments(path)?;
    let last_file = files.pop();
    let mut sealed: VecDeque<Segment> = VecDeque::new();
    for (first, file) in files {
        check_follows(sealed.back(), first, &file)?;
        sealed.push_back(match verify {
            Verify::All => finished(first, &file, wanted)?,
            Verify::Last => {
                check_wanted(wanted)?;
                by_footer(first, &file)?
            }
        });
    }
    let Some((first, file)) = last_file else {
        let newest =
            create(disk, path, new_first).map_err(OpenError::io("create a segment in", path))?;
        return Ok(newest.behind(sealed));
    };
    check_follows(sealed.back(), first, &file)?;
    let newest = newest(disk, first, &file, wanted).map_err(OpenError::in_last_segment)?;
    if newest.then != Then::BeginNext {
        disk.sync_folder(path)
            .map_err(OpenError::io("sync", path))?;
        return Ok(newest.behind(sealed));
    }
    let newest = match create(disk, path, newest.segment.last + 1) {
        Ok(next) => {
            sealed.push_back(newest.segment);
            next
        }
        // Existing events can be read, and retention may make room.
        Err(error) => Newest {
            trouble: Some(about("create a segment in", path, &error)),
            ..newest
        },
    };
    Ok(newest.behind(sealed))
}

/// The newest segment.
struct Newest {
    segment: Segment,
    file: File,
    then: Then,
    trouble: Option<io::Error>,
}

impl Newest {
    fn behind(self, sealed: VecDeque<Segment>) -> Recovered {
        Recovered {
            sealed,
            active: self.segment,
            file: self.file,
            then: self.then,
            trouble: self.trouble,
        }
    }
}

/// An empty segment to continue in.
fn create(disk: &dyn Disk, folder: &Path, first: Seq) -> io::Result<Newest> {
    let file = folder::create_segment(disk, folder, first)?;
    let path = Arc::from(folder::segment_path(folder, first));
    Ok(Newest {
        segment: Segment::empty(path, first, header::LEN as u64),
        file,
        then: Then::Append,
        trouble: None,
    })
}

/// Checks that a segment starts where the one before ends.
fn check_follows(before: Option<&Segment>, first: Seq, file: &Path) -> Result<(), OpenError> {
    let is_wrong = match before {
        Some(before) => before.last + 1 != first,
        None => first == 0,
    };
    if is_wrong {
        let ends = before.map_or(0, |before| before.last);
        let what = format!("it starts at seq {first}, but the segment before it ends at {ends}");
        return Err(OpenError::damaged(file, 0, what));
    }
    Ok(())
}

/// A segment that is not the last one, with every checksum verified.
fn finished(first: Seq, path: &Path, wanted: &dyn Fn() -> bool) -> Result<Segment, OpenError> {
    let file = open(path, OpenOptions::new().read(true))?;
    check_header(&file, first, path)?;
    let scanned = scan(&file, path, first, wanted)?;
    match scanned.stop {
        Stop::Footer => Ok(segment(scanned, first, path)),
        Stop::End => Err(OpenError::damaged(
            path,
            scanned.end,
            "it ends without a footer although it is not the last segment",
        )),
        Stop::Bad(what) => Err(OpenError::damaged(path, scanned.end, what)),
    }
}

/// A segment that is not the last one, with the checksums of its header and footer verified.
fn by_footer(first: Seq, path: &Path) -> Result<Segment, OpenError> {
    let file = open(path, OpenOptions::new().read(true))?;
    check_header(&file, first, path)?;
    let (at, footer) = scan::footer_of(&file, path)?;
    if footer.last < first {
        return Err(OpenError::damaged(path, at, "footer with a wrong seq"));
    }
    Ok(Segment {
        path: Arc::from(path),
        first,
        last: footer.last,
        end: at,
        oldest: 0,
        points: footer.points,
    })
}

/// The last segment: every checksum is verified, and a torn end is cut off.
fn newest(
    disk: &dyn Disk,
    first: Seq,
    path: &Path,
    wanted: &dyn Fn() -> bool,
) -> Result<Newest, OpenError> {
    let (file, trouble) = open_newest(path)?;
    let mut then = match trouble {
        None => Then::Append,
        Some(_) => Then::OpenAgain,
    };
    check_header(&file, first, path)?;
    let scanned = scan(&file, path, first, wanted)?;
    match scanned.stop {
        Stop::Footer => then = Then::BeginNext,
        Stop::End => {}
        Stop::Bad(what) => {
            let len = scan::len(&file, path)?;
            if scan::is_followed_by_durable(&file, path, scanned.end)? {
                let what = format!(
                    "{what}; later writes behind it are intact, so this is not the torn end of a crash"
                );
                return Err(OpenError::damaged(path, scanned.end, what));
            }
            let bytes = len - scanned.end;
            warn!(
                file = %path.display(),
                offset = scanned.end,
                bytes,
                "cut off the torn end of the log: {bytes} bytes that were never acknowledged"
            );
            if then == Then::Append {
                disk.truncate(&file, scanned.end)
                    .map_err(OpenError::io("cut off", path))?;
            }
        }
    }
    if then != Then::BeginNext {
        // A killed process may have left data in the page cache only, and readers will see it.
        disk.sync(&file).map_err(OpenError::io("sync", path))?;
    }
    Ok(Newest {
        segment: segment(scanned, first, path),
        file,
        then,
        trouble,
    })
}

/// A file that cannot be written at the moment is read nevertheless.
fn open_newest(path: &Path) -> Result<(File, Option<io::Error>), OpenError> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => Ok((file, None)),
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            let file = open(path, OpenOptions::new().read(true))?;
            Ok((file, Some(about("write", path, &error))))
        }
        Err(error) => Err(OpenError::io("open", path)(error)),
    }
}

fn segment(scanned: Scanned, first: Seq, path: &Path) -> Segment {
    Segment {
        path: Arc::from(path),
        first,
        last: scanned.last,
        end: scanned.end,
        oldest: scanned.oldest,
        points: scanned.points,
    }
}

fn open(path: &Path, options: &OpenOptions) -> Result<File, OpenError> {
    options.open(path).map_err(OpenError::io("open", path))
}

fn check_header(file: &File, first: Seq, path: &Path) -> Result<(), OpenError> {
    let mut bytes = [0; header::LEN];
    let len = scan::len(file, path)?.min(header::LEN as u64) as usize;
    file.read_exact_at(&mut bytes[..len], 0)
        .map_err(OpenError::read(path, 0))?;
    match header::read(&bytes[..len]) {
        Ok(found) if found == first => Ok(()),
        Ok(found) => {
            let what = format!("its header has the first seq {found}, its name {first}");
            Err(OpenError::damaged(path, 0, what))
        }
        Err(header::Refused::Damaged) => Err(OpenError::damaged(path, 0, "no segment header")),
        Err(header::Refused::Version(found)) => Err(OpenError::Version {
            file: PathBuf::from(path),
            found,
            expected: header::VERSION,
        }),
    }
}

#[cfg(test)]
mod tests;
