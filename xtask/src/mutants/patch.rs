//! The files of kept mutants: a header, then a unified diff.
//!
//! ```text
//! bug: what was wrong, and what it did
//! seen: where and when it was real
//! caught-by: cargo test -p fanjet-edge --lib tail::ring::tests::some_test
//! caught-by: another command, if there is one
//! --- a/services/edge/src/tail/ring.rs
//! ...
//! ```

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::root;

/// One real bug.
#[derive(Debug)]
pub(super) struct Mutant {
    pub(super) name: String,
    pub(super) bug: String,
    pub(super) seen: String,
    pub(super) caught_by: Vec<CaughtBy>,
    /// The files that it changes.
    pub(super) files: Vec<String>,
    pub(super) patch: PathBuf,
}

/// What must fail.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CaughtBy {
    /// One test: the arguments of cargo that name its target, and its path.
    Test { target: Vec<String>, test: String },
    /// One of the first seeds of the simulation.
    Simulation { seeds: u64 },
}

/// The folder of the patches.
pub(super) fn folder() -> PathBuf {
    root().join("loadtest/mutants")
}

/// All kept mutants, in the order of what catches them, so that each crate is built in one go.
pub(super) fn all() -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for file in fs::read_dir(folder()).context("cannot read loadtest/mutants")? {
        let path = file?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "patch")
        {
            let text = fs::read_to_string(&path)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let mutant = parse(&name, path.clone(), &text);
            mutants.push(mutant.with_context(|| format!("loadtest/mutants/{name}.patch"))?);
        }
    }
    mutants.sort_by(|a, b| (&a.caught_by, &a.name).cmp(&(&b.caught_by, &b.name)));
    Ok(mutants)
}

fn parse(name: &str, patch: PathBuf, text: &str) -> Result<Mutant> {
    let begin = if text.starts_with("--- ") {
        Some(0)
    } else {
        text.find("\n--- ")
    };
    let (header, diff) = text.split_at(begin.context("no diff: no line begins with ---")?);
    let values = |key: &'static str| {
        let lines = header.lines();
        let values = lines.filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "));
        let values: Vec<_> = values.collect();
        ensure!(!values.is_empty(), "the header has no line `{key}: ...`");
        Ok(values)
    };
    let caught_by = values("caught-by")?.into_iter().map(CaughtBy::parse);
    let files = diff.lines().filter_map(|line| line.strip_prefix("+++ b/"));
    Ok(Mutant {
        name: name.to_owned(),
        bug: values("bug")?.join(" "),
        seen: values("seen")?.join(" "),
        caught_by: caught_by.collect::<Result<_>>()?,
        files: files.map(str::to_owned).collect(),
        patch,
    })
}

impl CaughtBy {
    fn parse(command: &str) -> Result<Self> {
        let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        let known = words.iter().map(String::as_str).collect::<Vec<_>>();
        match known[..] {
            ["cargo", "xtask", "simulate", "--seeds", seeds, "--stop"] => Ok(Self::Simulation {
                seeds: seeds.parse().context("--seeds is not a number")?,
            }),
            ["cargo", "test", "-p", _, "--lib", test]
            | ["cargo", "test", "-p", _, "--test", _, test] => Ok(Self::Test {
                target: words[2..words.len() - 1].to_vec(),
                test: test.to_owned(),
            }),
            _ => anyhow::bail!(
                "{command}: must be `cargo test -p CRATE --lib TEST`, `cargo test -p CRATE --test TARGET TEST`, or \
                 `cargo xtask simulate --seeds N --stop`"
            ),
        }
    }

    /// The command, as a developer would type it.
    pub(super) fn command(&self) -> String {
        match self {
            Self::Test { target, test } => format!("cargo test {} {test}", target.join(" ")),
            Self::Simulation { seeds } => format!("cargo xtask simulate --seeds {seeds} --stop"),
        }
    }
}

#[cfg(test)]
pub(super) fn parsed(text: &str) -> Result<Mutant> {
    parse("name", PathBuf::new(), text)
}
