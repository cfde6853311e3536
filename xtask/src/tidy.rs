//! House rules that the compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use fanjet_tools::shell::root;

/// A longer file holds more than one idea.
const MAX_LINES: usize = 400;

const FOLDERS: &[&str] = &["shared", "dictionaries", "services", "loadtest", "xtask"];

/// Every Rust file of the project.
pub(crate) fn sources() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut files)?;
    }
    Ok(files)
}

pub(crate) fn check() -> Result<()> {
    let files = sources()?;
    let mut complaints = Vec::new();
    for file in &files {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(root()).unwrap_or(file).display();
        let lines = text.lines().count();
        if lines > MAX_LINES && !is_test(file) {
            complaints.push(format!("{name}: {lines} lines, at most {MAX_LINES}: split it by idea, or move tests to tests.rs"));
        }
        if !is_test(file) && !text.starts_with("//!") && !text.starts_with("#!") {
            complaints.push(format!("{name}: no module docs: start with //!"));
        }
        if text.contains(concat!("TO", "DO")) || text.contains(concat!("FIX", "ME")) {
            complaints.push(format!(
                "{name}: unfinished work is an issue, not a comment"
            ));
        }
    }
    if !complaints.is_empty() {
        bail!("house rules:\n  {}", complaints.join("\n  "));
    }
    println!("house rules: {} files in order", files.len());
    Ok(())
}

fn is_test(file: &Path) -> bool {
    let is_tests_file = file.file_name().is_some_and(|name| name == "tests.rs");
    is_tests_file
        || file
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
