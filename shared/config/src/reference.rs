//! The page with every key of every role, generated from the fragments.

use std::fmt::Write;

use crate::fragment::{Fragment, Line, lines};

const BEGINNING: &str = "\
# Settings

<!-- Written by `fanjet settings`: change the fragments beside the crates instead. -->

All roles share one tree of sections. A role reads its own sections and ignores those of other roles, so one file can hold the
settings of all. A section or key that no role has is an error. Later sources override earlier ones: these defaults, the file of
`--config FILE`, environment variables (`nats.url` is `FANJET_NATS__URL`), `--set nats.url=...`. A list is an array, or values
separated by commas. A duration is a number with a unit, such as `500ms`, `10s`, `1h`. `fanjet ROLE --print-config` prints the
effective settings with these comments, as a settings file.
";

/// One role on the page.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its sections.
    pub fragments: &'static [Fragment],
    /// TOML with its different defaults.
    pub different: &'static str,
}

/// Writes the page in Markdown.
///
/// # Errors
/// An invalid fragment.
pub fn reference(tree: &[Fragment], roles: &[Described]) -> Result<String, String> {
    let mut page = BEGINNING.to_owned();
    for fragment in tree {
        let readers = roles
            .iter()
            .filter(|role| role.fragments.contains(fragment));
        let names: Vec<_> = readers
            .clone()
            .map(|role| format!("`{}`", role.name))
            .collect();
        let mut about = format!("Read by {}.", names.join(", "));
        for reader in readers {
            for line in reader
                .different
                .lines()
                .filter(|line| line.starts_with(fragment.section))
            {
                write!(about, " `{}`: `{line}`.", reader.name).unwrap_or_default();
            }
        }
        page.push_str(&section(fragment, &about)?);
    }
    Ok(page)
}

fn section(fragment: &Fragment, about: &str) -> Result<String, String> {
    let mut page = String::new();
    let mut is_first = true;
    let mut has_rows = false;
    for line in lines(fragment.text)? {
        match line {
            Line::Heading(name, words) => {
                let about = if is_first { about } else { "" };
                let words = [words.as_str(), about].join(" ");
                let words = words.trim();
                write!(page, "\n## {name}\n").unwrap_or_default();
                if !words.is_empty() {
                    write!(page, "\n{words}\n").unwrap_or_default();
                }
                is_first = false;
                has_rows = false;
            }
            Line::Entry(entry) => {
                if !has_rows {
                    page.push_str("\n| key | default | allowed | |\n|---|---|---|---|\n");
                    has_rows = true;
                }
                let allowed = entry.allowed.map(|allowed| allowed.to_string());
                let words = entry.comment.replace('|', "\\|").replace('<', "&lt;");
                writeln!(
                    page,
                    "| `{}` | `{}` | {} | {words} |",
                    entry.name,
                    entry.default,
                    allowed.unwrap_or_default()
                )
                .unwrap_or_default();
            }
            Line::Other => {}
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_a_row_and_every_section_names_its_readers() {
        let fragment = Fragment {
            section: "a",
            text: "# About a.\n[a]\n# How | many.\n# Allowed: 1 to 9, or 0 for none.\nmany = 5\n\n[a.b]\n# Where.\nat = \"x\"\n",
        };
        let role = |name, different| Described {
            name,
            fragments: Box::leak(Box::new([fragment])),
            different,
        };
        let roles = [role("one", ""), role("two", "a.many = 6")];
        let page = reference(&[fragment], &roles).unwrap();
        for part in [
            "\n## a\n\nAbout a. Read by `one`, `two`. `two`: `a.many = 6`.\n\n| key |",
            "\n| `many` | `5` | 1 to 9, or 0 for none | How \\| many. |\n",
            "\n## a.b\n\n| key |",
            "\n| `at` | `\"x\"` |  | Where. |\n",
        ] {
            assert!(page.contains(part), "{part:?} is not in {page}");
        }
    }
}
