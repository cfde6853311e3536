//! The table of values in the chart's README, made of values.yaml and its comments.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::folders::chart;

/// Everything behind it is generated.
const MARK: &str = "<!-- From values.yaml: cargo xtask chart --write -->\n";

/// A value that has no values below it, or an empty collection.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    key: String,
    default: String,
    comment: String,
}

pub(super) fn check() -> Result<()> {
    ensure!(
        fs::read_to_string(path())? == wanted()?,
        "helm/fanjet/README.md differs from values.yaml: cargo xtask chart --write"
    );
    Ok(())
}

pub(super) fn write() -> Result<()> {
    Ok(fs::write(path(), wanted()?)?)
}

fn path() -> PathBuf {
    chart().join("README.md")
}

fn wanted() -> Result<String> {
    let readme = fs::read_to_string(path())?;
    let (head, _) = readme
        .split_once(MARK)
        .context("helm/fanjet/README.md has no mark")?;
    let values = fs::read_to_string(chart().join("values.yaml"))?;
    Ok(format!("{head}{MARK}{}", table(&rows(&values))))
}

/// One table for each value at the outermost level that has values below it.
fn table(rows: &[Row]) -> String {
    const HEAD: &str = "| value | default | |\n|---|---|---|\n";
    let mut text = String::new();
    let mut section = None;
    for row in rows {
        let of = row.key.split_once('.').map_or("", |(first, _)| first);
        if section != Some(of) {
            let title = match of {
                "" => String::new(),
                name => format!("### {name}\n\n"),
            };
            text.push_str(&format!("\n{title}{HEAD}"));
            section = Some(of);
        }
        let default = row.default.replace('|', "\\|");
        let comment = row.comment.replace('|', "\\|").replace('<', "&lt;");
        text.push_str(&format!("| `{}` | `{default}` | {comment} |\n", row.key));
    }
    text
}

fn rows(values: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut comment = Vec::new();
    // Lines of a value in several lines, which its key ends with.
    let mut lines = values.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(said) = text.strip_prefix('#') {
            comment.push(said.trim().to_owned());
            continue;
        }
        let Some((key, value)) = text.split_once(':') else {
            comment.clear();
            continue;
        };
        if text.starts_with('-') {
            continue;
        }
        path.retain(|(at, _)| *at < indent);
        path.push((indent, key.to_owned()));
        let mut default = value.trim().to_owned();
        if default.is_empty() {
            // A list in lines of its own is shown as it is; below anything else there are values.
            let next = lines.peek().map_or("", |line| line.trim_start());
            if !next.starts_with('-') {
                // Its comment goes to the first of them.
                continue;
            }
            let mut items = Vec::new();
            while let Some(item) = lines.next_if(|line| line.trim_start().starts_with('-')) {
                items.push(item.trim_start().trim_start_matches("- ").to_owned());
            }
            default = format!("[{}]", items.join(", "));
        }
        let names: Vec<_> = path.iter().map(|(_, name)| name.as_str()).collect();
        rows.push(Row {
            key: names.join("."),
            default,
            comment: std::mem::take(&mut comment).join(" "),
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_the_next_value() {
        let values = "# All.\n\na: 1\nb:\n  # Two\n  # lines.\n  c: {}\n  d:\n    - { x: 1 }\n    - { y: 2 }\n  # Below.\n  e:\n    f: \"\"\n";
        let row = |key: &str, default: &str, comment: &str| Row {
            key: key.to_owned(),
            default: default.to_owned(),
            comment: comment.to_owned(),
        };
        let expected = [
            row("a", "1", ""),
            row("b.c", "{}", "Two lines."),
            row("b.d", "[{ x: 1 }, { y: 2 }]", ""),
            row("b.e.f", "\"\"", "Below."),
        ];
        assert_eq!(rows(values), expected);
        assert!(table(&expected).contains(
            "\n### b\n\n| value | default | |\n|---|---|---|\n| `b.c` | `{}` | Two lines. |\n"
        ));
    }

    #[test]
    fn the_readme_is_up_to_date() {
        check().unwrap();
    }
}
