//! Relative links lead to files and headings that exist.

use std::path::{Component, Path, PathBuf};

use fanjet_tools::shell::root;

use super::markdown::{Pages, anchors, prose};

/// What stands in front of a link's target, and what ends it: Markdown's links, and those of HTML in a README.
const FORMS: [(&str, char); 4] = [
    ("](", ')'),
    ("src=\"", '"'),
    ("srcset=\"", '"'),
    ("href=\"", '"'),
];

pub(super) fn check(pages: &Pages) -> Vec<String> {
    let exists = |path: &Path| root().join(path).exists();
    broken(pages, exists)
}

fn broken(pages: &Pages, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for (page, text) in pages {
        for link in prose(text).flat_map(targets) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                normal(&page.with_file_name(file))
            };
            let is_broken = match pages.get(&target) {
                Some(text) => !anchor.is_empty() && !anchors(text).iter().any(|it| it == anchor),
                None => !exists(&target),
            };
            if is_broken {
                complaints.push(format!("{}: broken link {link}", page.display()));
            }
        }
    }
    complaints
}

/// The targets of a line's relative links, but not of those in code.
fn targets(line: &str) -> Vec<String> {
    let line: String = line.split('`').step_by(2).collect();
    let mut targets = Vec::new();
    for (before, end) in FORMS {
        for rest in line.split(before).skip(1) {
            let target = rest.split(end).next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !is_elsewhere && !target.is_empty() {
                targets.push(target.to_owned());
            }
        }
    }
    targets
}

/// The same path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_links_are_found_and_no_others() {
        let first = "# First\n[a](b.md) [b](b.md#two-words) [c](#first) [d](../code.rs) [e](https://x/y)\n\
                     <img src=\"code.rs\"> `[no](link.md)`\n```\n[no](link.md)\n```\n\
                     [bad](c.md) [bad](b.md#three) [bad](#second) <source srcset=\"no.png\">\n";
        let pages = Pages::from([
            (PathBuf::from("docs/a.md"), first.to_owned()),
            (
                PathBuf::from("docs/b.md"),
                "# B\n## Two `words`\n".to_owned(),
            ),
        ]);
        let exists =
            |path: &Path| path == Path::new("code.rs") || path == Path::new("docs/code.rs");
        let links = ["c.md", "b.md#three", "#second", "no.png"];
        let expected: Vec<_> = links
            .map(|link| format!("docs/a.md: broken link {link}"))
            .into();
        assert_eq!(broken(&pages, exists), expected);
    }
}
