//! Words and names that must not return. `docs/develop/style.md` lists them, with what to write instead.
//!
//! The page is the only list: this check reads its tables. It never changes a file.

mod lists;
mod page;
mod scan;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fanjet_tools::shell::root;

use lists::{ALLOWED, Allowed, NOT_YET_CLEAN};
use page::Rules;
use scan::Finding;

const PAGE: &str = "docs/develop/style.md";
/// Files that must contain words of the list: the page, the exceptions, and tests with planted words.
const SPEAKING_OF_WORDS: [&str; 3] = [PAGE, "xtask/src/words/lists.rs", "xtask/src/words/tests.rs"];

const ROOTS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "shared",
    "dictionaries",
    "services",
    "loadtest",
    "xtask",
    "docs",
    "examples",
    "deploy",
    "helm",
];
const EXTENSIONS: &[&str] = &[
    "rs", "md", "toml", "yaml", "yml", "tpl", "html", "css", "js", "ts", "py", "go", "sh", "conf",
    "service", "txt",
];
const SKIPPED: &[&str] = &["target", "node_modules", "vendor", "corpora"];

pub(crate) fn check() -> Result<()> {
    let page =
        fs::read_to_string(root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let rules = Rules::read(&page)?;
    let mut files = Vec::new();
    for path in ROOTS {
        collect(&root().join(path), &mut files)?;
    }
    let mut findings = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root()).unwrap_or(file);
        let name = name.to_string_lossy().into_owned();
        if SPEAKING_OF_WORDS.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        let found = scan::all(&rules, &text, name.ends_with(".rs"));
        findings.extend(found.into_iter().map(|finding| (name.clone(), finding)));
    }
    let complaints = complaints(&findings, ALLOWED, NOT_YET_CLEAN);
    if !complaints.is_empty() {
        bail!(
            "words ({PAGE} says what to write instead):\n  {}",
            complaints.join("\n  ")
        );
    }
    println!("words: {} files read", files.len());
    Ok(())
}

/// The complaints about the findings: words that are neither allowed nor in a folder that is still to be cleaned, and
/// obsolete entries of both lists.
fn complaints(
    findings: &[(String, Finding)],
    allowed: &[Allowed],
    not_yet_clean: &[&str],
) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut is_used = vec![false; allowed.len()];
    let mut is_dirty = vec![false; not_yet_clean.len()];
    for (file, finding) in findings {
        let matching = allowed
            .iter()
            .position(|entry| is_below(file, entry.path) && entry.word == finding.word);
        let folder = not_yet_clean
            .iter()
            .position(|folder| is_below(file, folder));
        if let Some(entry) = matching {
            is_used[entry] = true;
        } else if let Some(folder) = folder {
            is_dirty[folder] = true;
        } else {
            let Finding {
                line,
                word,
                instead,
            } = finding;
            complaints.push(format!("{file}:{line}: `{word}`: write {instead}"));
        }
    }
    for (entry, is_used) in allowed.iter().zip(is_used) {
        if !is_used {
            let Allowed { path, word, .. } = entry;
            complaints.push(format!(
                "{path} no longer has `{word}`: remove it from ALLOWED in xtask/src/words/lists.rs"
            ));
        }
    }
    for (folder, is_dirty) in not_yet_clean.iter().zip(is_dirty) {
        if !is_dirty {
            complaints.push(format!(
                "{folder} is clean: remove it from NOT_YET_CLEAN in xtask/src/words/lists.rs"
            ));
        }
    }
    complaints
}

/// Whether a file is this path or below it.
fn is_below(file: &str, path: &str) -> bool {
    file.strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if entry.file_type()?.is_dir() {
            if !SKIPPED.contains(&name.as_str()) && !name.starts_with('.') {
                collect(&path, files)?;
            }
        } else if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
