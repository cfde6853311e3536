//! A copy of the tree that mutants may change. Unchanged files keep their times, so that only what a mutant changes is
//! built again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{cargo, root, target};

use super::patch::Mutant;

/// The copy.
pub(super) struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// Brings the copy up to date with the developer's tree, committed or not.
    ///
    /// # Errors
    /// When files cannot be listed or copied.
    pub(super) fn open() -> Result<Self> {
        let tree = Self {
            folder: target().join("mutants/tree"),
        };
        fs::create_dir_all(tree.folder.join("target"))?;
        let listing = tree.folder.join("target/files");
        let before = fs::read_to_string(&listing).unwrap_or_default();
        let now = files()?;
        for gone in before.lines().filter(|file| !now.contains(*file)) {
            let _gone_already = fs::remove_file(tree.folder.join(gone));
        }
        for file in &now {
            tree.copy(file)?;
        }
        fs::write(
            &listing,
            now.iter()
                .map(|file| format!("{file}\n"))
                .collect::<String>(),
        )?;
        // Tests find the real servers beside the tree.
        let tools = tree.folder.join("target/tools");
        if !tools.exists() && target().join("tools").exists() {
            std::os::unix::fs::symlink(target().join("tools"), tools)?;
        }
        Ok(tree)
    }

    /// Applies a mutant.
    ///
    /// # Errors
    /// When the code has changed so that the patch does not apply.
    pub(super) fn apply(&self, mutant: &Mutant) -> Result<()> {
        self.git_apply(mutant, &["--whitespace=nowarn"])
    }

    /// Takes a mutant back.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub(super) fn restore(&self, mutant: &Mutant) -> Result<()> {
        mutant.files.iter().try_for_each(|file| self.copy(file))
    }

    /// Cargo in the copy. Its target folder is its own: in the developer's one, each would take the other's work for its
    /// own.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = cargo();
        cargo.current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", target().join("mutants/target"));
        // A test that fails says enough.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
        cargo.env("CARGO_INCREMENTAL", "1");
        cargo
    }

    fn git_apply(&self, mutant: &Mutant, options: &[&str]) -> Result<()> {
        git_apply(&self.folder, &mutant.patch, options)
    }

    fn copy(&self, file: &str) -> Result<()> {
        let (from, to) = (root().join(file), self.folder.join(file));
        let text = fs::read(&from).with_context(|| format!("cannot read {file}"))?;
        if fs::read(&to).is_ok_and(|copied| copied == text) {
            return Ok(());
        }
        fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
        fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
        fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
        Ok(())
    }
}

/// Applies a patch below a folder, as if that were no part of a repository.
pub(super) fn git_apply(folder: &Path, patch: &Path, options: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .arg("apply")
        .args(options)
        .arg(patch);
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    let ended = git.output().context("cannot run git apply")?;
    ensure!(
        ended.status.success(),
        "the patch no longer applies: plant the bug again in today's code, or delete the mutant if the code is gone\n{}",
        String::from_utf8_lossy(&ended.stderr).trim()
    );
    Ok(())
}

/// Every file of the developer's tree that git knows, or would take.
fn files() -> Result<BTreeSet<String>> {
    let mut git = Command::new("git");
    git.current_dir(root());
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = git.output().context("cannot run git ls-files")?;
    ensure!(listed.status.success(), "git ls-files failed");
    let listed = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
    let files = listed.split('\0').filter(|file| !file.is_empty());
    Ok(files
        .filter(|file| root().join(file).is_file())
        .map(str::to_owned)
        .collect())
}
