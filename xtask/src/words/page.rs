//! The tables of the style page.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

const NAMES: &str = "## Names that must not return";
const WORDS: &str = "## Words that must not return";

/// What to look for, each with what to write instead.
#[derive(Debug)]
pub(super) struct Rules {
    /// Names of types, functions and modules.
    pub(super) names: BTreeMap<String, String>,
    /// Words, and sequences of words, in lower case.
    pub(super) words: Vec<(Vec<String>, String)>,
}

impl Rules {
    /// Reads what is in `code` in the first column of both tables.
    pub(super) fn read(page: &str) -> Result<Self> {
        let names = rows(page, NAMES).collect::<BTreeMap<_, _>>();
        let words: Vec<_> = rows(page, WORDS)
            .map(|(old, new)| (old.split(' ').map(str::to_lowercase).collect(), new))
            .collect();
        ensure!(
            !names.is_empty() && !words.is_empty(),
            "the style page needs the tables below {NAMES:?} and {WORDS:?}"
        );
        Ok(Self { names, words })
    }
}

/// Old and new of every row below a heading.
fn rows<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = (String, String)> + use<'a> {
    let body = page.split_once(heading).map_or("", |(_, rest)| rest);
    let section = body
        .split_once("\n## ")
        .map_or(body, |(section, _)| section);
    section
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")
        })
        .flat_map(|(old, new)| {
            let codes = old.split('`').skip(1).step_by(2);
            codes.map(|code| (code.to_owned(), new.to_owned()))
        })
}
