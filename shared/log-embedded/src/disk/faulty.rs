//! A disk for tests: it fails on demand, counts the failures, and can show what a power failure would leave.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::{Disk, RealDisk};

/// Operations that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Write,
    Sync,
    Truncate,
    Open,
    Create,
    Rename,
    Remove,
    SyncFolder,
}

/// Called before every sync of a file, with the unsynced bytes of each file.
pub(crate) type BeforeSync = Box<dyn Fn(&HashMap<u64, Vec<(u64, u64)>>) + Send + Sync>;

/// The real disk, with faults.
#[derive(Default)]
pub(crate) struct FaultyDisk {
    outstanding: Mutex<HashMap<Op, u64>>,
    fired: Mutex<HashMap<Op, u64>>,
    /// By inode: start and end of the bytes written since the last sync.
    unsynced: Mutex<HashMap<u64, Vec<(u64, u64)>>>,
    before_sync: Mutex<Option<BeforeSync>>,
    synced_folders: Mutex<Vec<PathBuf>>,
}

impl FaultyDisk {
    /// Makes the next `times` of `op` fail.
    pub(crate) fn fail(&self, op: Op, times: u64) {
        *self.outstanding.lock().entry(op).or_default() += times;
    }

    /// How often `op` has failed.
    pub(crate) fn fired(&self, op: Op) -> u64 {
        self.fired.lock().get(&op).copied().unwrap_or(0)
    }

    pub(crate) fn before_sync(&self, hook: BeforeSync) {
        *self.before_sync.lock() = Some(hook);
    }

    /// The folders that were synced, in order.
    pub(crate) fn synced_folders(&self) -> Vec<PathBuf> {
        self.synced_folders.lock().clone()
    }

    fn check(&self, op: Op) -> io::Result<()> {
        let mut outstanding = self.outstanding.lock();
        let left = outstanding.entry(op).or_default();
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        *self.fired.lock().entry(op).or_default() += 1;
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Disk for FaultyDisk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let failed = self.check(Op::Write);
        // A full disk accepts the first part.
        let taken = if failed.is_err() {
            &bytes[..bytes.len() * 2 / 3]
        } else {
            bytes
        };
        RealDisk.write(file, taken, offset)?;
        let range = (offset, offset + taken.len() as u64);
        let inode = file.metadata()?.ino();
        self.unsynced.lock().entry(inode).or_default().push(range);
        failed
    }

    /// Only recorded: a real sync costs time and changes nothing for a process that survives.
    fn sync(&self, file: &File) -> io::Result<()> {
        if let Some(hook) = &*self.before_sync.lock() {
            hook(&self.unsynced.lock());
        }
        self.check(Op::Sync)?;
        self.unsynced.lock().remove(&file.metadata()?.ino());
        Ok(())
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        self.check(Op::Truncate)?;
        let inode = file.metadata()?.ino();
        if let Some(ranges) = self.unsynced.lock().get_mut(&inode) {
            ranges.retain(|(begin, _)| *begin < len);
        }
        RealDisk.truncate(file, len)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.check(Op::Open)?;
        RealDisk.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.check(Op::Create)?;
        RealDisk.create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove)?;
        RealDisk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Op::SyncFolder)?;
        self.synced_folders.lock().push(path.to_owned());
        Ok(())
    }
}

/// Copies the segments of a folder as a power failure could leave them: unsynced sectors may be zeros, and a file may
/// end anywhere behind the synced part. `random` returns a number below its argument.
pub(crate) fn image(
    from: &Path,
    to: &Path,
    unsynced: &HashMap<u64, Vec<(u64, u64)>>,
    mut random: impl FnMut(u64) -> u64,
) {
    const SECTOR: u64 = 512;
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "segment")
        {
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        for &(begin, end) in unsynced.get(&inode).into_iter().flatten() {
            // Some of the pieces between start, sector borders and end.
            let mut at = begin;
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if random(4) == 0 {
                    bytes[at as usize..next as usize].fill(0);
                }
                at = next;
            }
            if random(3) == 0 {
                bytes.truncate((begin + random(end - begin + 1)) as usize);
                break;
            }
        }
        fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
    }
}
