//! A chart can only contain files below it, so it has copies of files of `deploy/`. They must be identical.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::folders::chart;
use fanjet_tools::shell::root;

/// Folders of `deploy/`, and the files in them that the chart copies.
const COPIED: [(&str, &str); 4] = [
    ("nats", "accounts.conf"),
    ("nats", ".sh"),
    ("prometheus", "rules.yaml"),
    ("grafana", ".json"),
];

pub(super) fn check() -> Result<()> {
    let copies = copies()?;
    for (original, copy) in &copies {
        let differs = fs::read(original)? != fs::read(copy).unwrap_or_default();
        if differs {
            bail!(
                "{} differs from {}: cargo xtask chart --write",
                copy.display(),
                original.display()
            );
        }
    }
    for (folder, _) in COPIED {
        for found in files(&chart().join("files").join(folder))? {
            if !copies.iter().any(|(_, copy)| *copy == found) {
                bail!("{} has no original", found.display());
            }
        }
    }
    println!("chart: {} copies are up to date", copies.len());
    Ok(())
}

pub(super) fn write() -> Result<()> {
    for (original, copy) in copies()? {
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(original, copy)?;
    }
    Ok(())
}

/// Originals and copies.
fn copies() -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut copies = Vec::new();
    for (folder, ending) in COPIED {
        for original in files(&root().join("deploy").join(folder))? {
            let name = original.file_name().context("files have names")?;
            if name.to_string_lossy().ends_with(ending) {
                let copy = chart().join("files").join(folder).join(name);
                copies.push((original, copy));
            }
        }
    }
    Ok(copies)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
