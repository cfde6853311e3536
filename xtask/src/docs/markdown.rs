//! Markdown files, and the parts of them that are checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use fanjet_tools::shell::root;

/// Text by its path from the root of the repository.
pub(super) type Pages = BTreeMap<PathBuf, String>;

/// Every Markdown file of the project itself.
pub(super) fn pages() -> Result<Pages> {
    let mut pages = Pages::new();
    collect(root(), root(), &mut pages)?;
    Ok(pages)
}

fn collect(root: &Path, folder: &Path, pages: &mut Pages) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, pages)?;
        } else if name.ends_with(".md") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
            pages.insert(name, text);
        }
    }
    Ok(())
}

/// The lines outside of fenced blocks.
pub(super) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

/// What stands between backticks outside of fenced blocks.
pub(super) fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The anchors that GitHub gives to the headings.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeats = anchors.iter().filter(|known| **known == anchor).count();
        anchors.push(match repeats {
            0 => anchor,
            _ => format!("{anchor}-{repeats}"),
        });
    }
    anchors
}
