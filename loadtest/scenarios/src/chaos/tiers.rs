//! The local tiers of the edges, which half of the runs have, and what happens to their folders. No damage may change a stream.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::plan::Damage;
use crate::service::Service;

/// The smallest allowed.
const MAX_BYTES: &str = "67108864";
/// As fast as the log can be read: it must have something to lose at any time.
const FILL: &str = "1073741824";

/// What a file is overwritten with, and how often.
const JUNK: [u8; 512] = [0xa5; 512];

/// The line of an edge that starts another copy.
const THROWN_AWAY: &str = "throwing the local tier away";

/// Pages that replays read from the disk.
const PAGES: (&str, &str) = ("fanjet_edge_replay_pages_total", "tier=\"disk\"");

/// One folder for each edge; none in a run without.
pub(super) struct Tiers {
    folders: Vec<TempDir>,
}

/// What the tiers did in a run.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct TierUse {
    /// Runs with local tiers.
    pub(super) runs: u32,
    /// Pages that the last lives of the edges read from their disks.
    pub(super) pages: u64,
    /// Copies that were thrown away.
    pub(super) thrown_away: u64,
}

/// Whether a run has local tiers.
pub(super) fn has_tiers(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

impl Tiers {
    pub(super) fn for_edges(edges: usize, seed: u64) -> Result<Self> {
        let edges = if has_tiers(seed) { edges } else { 0 };
        let folders = (0..edges).map(|_| tempfile::tempdir());
        Ok(Self {
            folders: folders.collect::<io::Result<_>>()?,
        })
    }

    /// The settings of an edge.
    pub(super) fn settings(&self, edge: usize) -> Vec<(&'static str, String)> {
        let Some(folder) = self.folders.get(edge) else {
            return Vec::new();
        };
        vec![
            ("edge.disk.path", path(folder).display().to_string()),
            ("edge.disk.max_bytes", MAX_BYTES.to_owned()),
            ("edge.disk.fill", FILL.to_owned()),
        ]
    }

    /// Damages the folder of an edge, which may run, be frozen or be down. `false`: it had nothing to damage.
    pub(super) fn damage(&self, which: usize, damage: Damage) -> Result<bool> {
        let folder = &self.folders[which % self.folders.len()];
        let folder = path(folder);
        if damage == Damage::Folder {
            return or_missing(fs::remove_dir_all(&folder));
        }
        let mut segments = segments(&folder)?;
        if segments.is_empty() {
            return Ok(false);
        }
        let path = segments.swap_remove(which % segments.len());
        match damage {
            Damage::File => or_missing(fs::remove_file(path)),
            Damage::Bytes | Damage::Folder => or_missing(overwrite(&path)),
        }
    }

    /// What the edges' tiers did.
    pub(super) async fn used(&self, edges: impl Iterator<Item = &Service>) -> Result<TierUse> {
        let mut used = TierUse::default();
        if self.folders.is_empty() {
            return Ok(used);
        }
        used.runs = 1;
        for edge in edges {
            used.pages += edge.metric(PAGES.0, PAGES.1).await? as u64;
            let thrown = |line: &String| line.contains(THROWN_AWAY);
            used.thrown_away += edge.all_lines().iter().filter(|it| thrown(it)).count() as u64;
        }
        Ok(used)
    }
}

impl TierUse {
    pub(super) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.pages += other.pages;
        self.thrown_away += other.thrown_away;
    }
}

/// Below the temporary folder, which stays when the edge's own is removed.
fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("disk")
}

fn segments(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context("the folder of a local tier")?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "segment") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Overwrites a part in the middle, and every later part of its length but one.
fn overwrite(path: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let length = file.metadata().as_ref().map_or(0, Metadata::len);
    let mut at = length / 2;
    while at < length {
        file.write_all_at(&JUNK, at)?;
        at += 2 * JUNK.len() as u64;
    }
    Ok(())
}

/// The edge may have removed it first.
fn or_missing(done: io::Result<()>) -> Result<bool> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        done => Ok(done.map(|()| true)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_real_and_reported() {
        let tiers = Tiers::for_edges(2, 4).unwrap();
        assert_eq!(tiers.settings(0).len(), 3);
        let folder = path(&tiers.folders[1]);
        assert!(!tiers.damage(1, Damage::Folder).unwrap());
        assert!(!tiers.damage(1, Damage::Bytes).unwrap());
        fs::create_dir(&folder).unwrap();
        assert!(!tiers.damage(1, Damage::File).unwrap());
        let segment = folder.join("1.segment");
        fs::write(&segment, vec![7; 4096]).unwrap();
        assert!(tiers.damage(1, Damage::Bytes).unwrap());
        let bytes = fs::read(&segment).unwrap();
        assert_eq!(bytes.iter().filter(|&&it| it == 0xa5).count(), 1024);
        assert_eq!(bytes.len(), 4096);
        assert!(tiers.damage(3, Damage::File).unwrap());
        assert!(!segment.exists());
        assert!(tiers.damage(1, Damage::Folder).unwrap());
        assert!(!folder.exists());
    }

    #[test]
    fn every_other_run_has_them() {
        assert!(Tiers::for_edges(2, 5).unwrap().settings(0).is_empty());
        assert!(has_tiers(6) && !has_tiers(7));
    }
}
