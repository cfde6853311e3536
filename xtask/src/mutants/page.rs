//! The list of kept mutants in the docs, generated from their headers.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use fanjet_tools::shell::root;

use super::patch::{CaughtBy, Mutant};

const BEGIN: &str = "# Kept mutants

Real bugs of the past, each as a small patch in [`loadtest/mutants`](../../loadtest/mutants) with the test that must catch it.
`cargo xtask mutants --kept` plants them one by one in a copy of the tree and fails if a test passes, or if a patch no longer applies;
`cargo xtask mutants --kept NAME` plants one. `cargo xtask mutants --write` writes this page from the headers of the patches.

";

/// Where the list is.
pub(super) fn path() -> PathBuf {
    root().join("docs/develop/kept-mutants.md")
}

/// The list.
pub(super) fn render(mutants: &[Mutant]) -> String {
    let mut sorted: Vec<_> = mutants.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let rows = sorted.iter().map(|mutant| {
        let by = mutant.caught_by.iter().map(|by| match by {
            CaughtBy::Test { target, test } => format!("`{test}` of {}", target[1]),
            CaughtBy::Simulation { .. } => format!("`{}`", by.command()),
        });
        let by = by.collect::<Vec<_>>().join(", ");
        format!(
            "| {} | {} | {} | {by} |\n",
            mutant.name, mutant.bug, mutant.seen
        )
    });
    let table = "| name | bug | seen | caught by |\n|---|---|---|---|\n";
    format!("{BEGIN}{table}{}", rows.collect::<String>())
}

pub(super) fn write(mutants: &[Mutant]) -> Result<()> {
    fs::write(path(), render(mutants))?;
    println!("{}: {} kept mutants", path().display(), mutants.len());
    Ok(())
}
