//! House rules that the compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use fanjet_tools::shell::root;
use saphyr::{LoadableYamlNode, Yaml};

/// A longer file holds more than one idea.
const MAX_LINES: usize = 400;

const FOLDERS: &[&str] = &["shared", "dictionaries", "services", "loadtest", "xtask"];

/// Every Rust file of the project.
pub(crate) fn sources() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), "rs", &mut files)?;
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
    for file in manifests()? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if let Some(complaint) = not_yaml(&text) {
            let name = file.strip_prefix(root()).unwrap_or(&file).display();
            complaints.push(format!("{name}: {complaint}"));
        }
    }
    if !complaints.is_empty() {
        bail!("house rules:\n  {}", complaints.join("\n  "));
    }
    println!("house rules: {} files in order", files.len());
    Ok(())
}

/// Every YAML file that is not a template. Other tools read them, but only in checks that take minutes.
fn manifests() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["deploy", "docs", "helm"] {
        collect(&root().join(folder), "yaml", &mut files)?;
    }
    let is_template = |file: &PathBuf| file.iter().any(|part| part == "templates");
    files.retain(|file| !is_template(file));
    Ok(files)
}

fn not_yaml(text: &str) -> Option<String> {
    Yaml::load_from_str(text)
        .err()
        .map(|error| error.to_string())
}

fn is_test(file: &Path) -> bool {
    let is_tests_file = file.file_name().is_some_and(|name| name == "tests.rs");
    is_tests_file
        || file
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
}

fn collect(folder: &Path, wanted: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, wanted, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == wanted)
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::not_yaml;

    #[test]
    fn a_colon_in_a_bare_text_is_found() {
        assert!(not_yaml("summary: No ingest leads: nothing is logged\n").is_some());
        assert!(not_yaml("summary: \"No ingest leads: nothing is logged\"\n").is_none());
    }
}
