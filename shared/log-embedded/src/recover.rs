//! Opening: what the folder holds, checked before anybody reads it.
//!
//! What a crash can leave is repaired, and said: a torn end of the last segment, a missing footer of it, a segment that
//! was just being made. Everything else is damage and refused, with the files left as they are.

mod scan;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanjet_log::Seq;
use tracing::warn;

use crate::disk::Disk;
use crate::folder;
use crate::format::header;
use crate::state::Segment;
use crate::{OpenError, Verify};

use scan::{Scanned, Stop, check_wanted, scan};

/// What was found.
pub(crate) struct Recovered {
    /// Finished segments, oldest first.
    pub(crate) sealed: VecDeque<Segment>,
    /// The one to go on in.
    pub(crate) active: Segment,
    /// Its file.
    pub(crate) file: File,
}

/// Reads the folder, and makes the first segment in an empty one: it begins at `new_first`. Asks again and again whether it
/// is still `wanted`: reading everything can take minutes.
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
    let next = match last_file {
        None => new_first,
        Some((first, file)) => {
            check_follows(sealed.back(), first, &file)?;
            match last(disk, first, &file, wanted).map_err(OpenError::in_last_segment)? {
                Last::Open(active, file) => {
                    disk.sync_folder(path)
                        .map_err(OpenError::io("sync", path))?;
                    return Ok(Recovered {
                        sealed,
                        active,
                        file,
                    });
                }
                Last::Finished(segment) => {
                    let next = segment.last + 1;
                    sealed.push_back(segment);
                    next
                }
            }
        }
    };
    let file = folder::create_segment(disk, path, next)
        .map_err(OpenError::io("make a segment in", path))?;
    let active_path = Arc::from(folder::segment_path(path, next));
    Ok(Recovered {
        sealed,
        active: Segment::empty(active_path, next, header::LEN as u64),
        file,
    })
}

/// That a segment begins where the one before ends.
fn check_follows(before: Option<&Segment>, first: Seq, file: &Path) -> Result<(), OpenError> {
    let is_wrong = match before {
        Some(before) => before.last + 1 != first,
        None => first == 0,
    };
    if is_wrong {
        let ends = before.map_or(0, |before| before.last);
        let what =
            format!("it begins with seq {first}, but the segment before it ends with {ends}");
        return Err(OpenError::damaged(file, 0, what));
    }
    Ok(())
}

/// A segment that is not the last one, with every checksum.
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

/// A segment that is not the last one, with the checksums of its header and footer.
fn by_footer(first: Seq, path: &Path) -> Result<Segment, OpenError> {
    let file = open(path, OpenOptions::new().read(true))?;
    check_header(&file, first, path)?;
    let (at, footer) = scan::footer_of(&file, path)?;
    if footer.last < first {
        return Err(OpenError::damaged(path, at, "a footer with a wrong seq"));
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

enum Last {
    /// To go on in.
    Open(Segment, File),
    /// It has its footer; the next one was not made yet.
    Finished(Segment),
}

/// The last segment: every checksum, and a torn end cut off.
fn last(
    disk: &dyn Disk,
    first: Seq,
    path: &Path,
    wanted: &dyn Fn() -> bool,
) -> Result<Last, OpenError> {
    let file = open(path, OpenOptions::new().read(true).write(true))?;
    check_header(&file, first, path)?;
    let scanned = scan(&file, path, first, wanted)?;
    match scanned.stop {
        Stop::Footer => return Ok(Last::Finished(segment(scanned, first, path))),
        Stop::End => {}
        Stop::Bad(what) => {
            let len = scan::len(&file, path)?;
            if scan::is_followed_by_durable(&file, path, scanned.end)? {
                let what = format!(
                    "{what}; what was written behind it later is whole, so this is not the torn end of a crash"
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
            disk.truncate(&file, scanned.end)
                .map_err(OpenError::io("cut off", path))?;
        }
    }
    // What a killed process wrote may be in the machine's memory only, and readers will see it.
    disk.sync(&file).map_err(OpenError::io("sync", path))?;
    Ok(Last::Open(segment(scanned, first, path), file))
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
        .map_err(OpenError::io("read", path))?;
    match header::read(&bytes[..len]) {
        Ok(found) if found == first => Ok(()),
        Ok(found) => {
            let what = format!("its header says that it begins with seq {found}, its name {first}");
            Err(OpenError::damaged(path, 0, what))
        }
        Err(header::Refused::Damaged) => {
            Err(OpenError::damaged(path, 0, "it has no header of a segment"))
        }
        Err(header::Refused::Version(found)) => Err(OpenError::Version {
            file: PathBuf::from(path),
            found,
            expected: header::VERSION,
        }),
    }
}

#[cfg(test)]
mod tests;
