//! `cargo xtask mutants`: does a test fail when the code is wrong?
//!
//! Kept mutants are real bugs of the past as patches under `loadtest/mutants`, each with the test that must catch it. A patch
//! that no longer applies, or whose test passes, is a failure: then the bug could return unnoticed.
//!
//! Nothing here may touch the developer's tree, or build in its target folder.

mod patch;
mod tree;
mod kept;
mod page;

use anyhow::{Result, bail};
use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The kept mutants: these (`--kept edge-oldest-gap`), or all
    #[arg(long, num_args = 0.., value_name = "NAME", required_unless_present = "write")]
    kept: Option<Vec<String>>,
    /// Write the list of the kept mutants, and run none
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut mutants = patch::all()?;
    if args.write {
        return page::write(&mutants);
    }
    let names = args.kept.clone().unwrap_or_default();
    if let Some(unknown) = names
        .iter()
        .find(|name| !mutants.iter().any(|it| it.name == **name))
    {
        bail!("unknown mutant {unknown}: loadtest/mutants has no {unknown}.patch");
    }
    mutants.retain(|mutant| names.is_empty() || names.contains(&mutant.name));
    kept::run(&mutants)
}

#[cfg(test)]
mod tests;
