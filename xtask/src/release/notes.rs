//! The notes: the version's section of the changelog.

use std::fs;

use anyhow::{Context, Result};
use fanjet_tools::shell::root;

use super::version::Version;

/// # Errors
/// When the changelog has no such section.
pub(super) fn of(version: &Version) -> Result<String> {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let title = match version.is_dry {
        true => "Unreleased",
        false => version.number,
    };
    section(&changelog, title).with_context(|| format!("CHANGELOG.md has no section {title}"))
}

fn section(changelog: &str, title: &str) -> Option<String> {
    let mut lines = changelog.lines().skip_while(|line| {
        let heading = line.strip_prefix("## ").unwrap_or_default();
        let name = heading.split(" - ").next().unwrap_or_default();
        name.trim_matches(['[', ']']) != title
    });
    lines.next()?;
    let text = lines.take_while(|line| !line.starts_with("## "));
    let text = text.collect::<Vec<_>>().join("\n");
    Some(format!("{}\n", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_one_begins() {
        let changelog = "# Changelog\n\n## Unreleased\n\nNew.\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- All.\n\n## 0.9.0\n\nOld.\n";
        let of = |title| section(changelog, title);
        assert_eq!(of("Unreleased").unwrap(), "New.\n");
        assert_eq!(of("1.0.0").unwrap(), "### Added\n\n- All.\n");
        assert_eq!(of("0.9.0").unwrap(), "Old.\n");
        assert!(of("2.0.0").is_none());
    }
}
