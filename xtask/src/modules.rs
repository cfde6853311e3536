//! Import order inside a crate: the `mod` lines of a file are in the order of the data, and a module imports only from
//! modules that are declared before its own.
//!
//! There are two kinds of complaints. A *circle*: files that import each other's items. An *upward import*: of two
//! modules with the same parent, the earlier one imports from the later one. A re-exported item counts for the module
//! that defines it. `lib.rs`, `main.rs` and tests may use everything.

mod tokens;
mod tree;
mod imports;
mod order;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{MetadataCommand, Package, TargetKind};

use fanjet_tools::shell::root;

/// Checks the named crates, or every crate if no name is given.
pub(crate) fn check(names: &[String]) -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let packages = metadata.workspace_packages();
    for name in names {
        ensure!(
            packages.iter().any(|package| package.name == *name),
            "unknown crate {name} (allowed: {})",
            list(packages.iter().map(|package| package.name.as_str()))
        );
    }
    let mut complaints = Vec::new();
    let mut modules = 0;
    for package in packages {
        let name = package.name.as_str();
        if !names.is_empty() && names.iter().all(|wanted| wanted != name) {
            continue;
        }
        complaints.extend(check_package(package, &mut modules)?);
    }
    if !complaints.is_empty() {
        bail!("modules:\n  {}", complaints.join("\n  "));
    }
    println!("modules: {modules} in order");
    Ok(())
}

/// The complaints about a crate's shipped targets.
fn check_package(package: &Package, modules: &mut usize) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for target in &package.targets {
        let is_shipped = [TargetKind::Lib, TargetKind::Bin]
            .iter()
            .any(|kind| target.kind.contains(kind));
        if is_shipped {
            complaints.extend(check_crate(target.src_path.as_std_path(), root(), modules)?);
        }
    }
    Ok(complaints)
}

/// The complaints about the crate with this root file. Paths are shown relative to `base`.
fn check_crate(file: &Path, base: &Path, modules: &mut usize) -> Result<Vec<String>> {
    let tree = tree::Tree::read(file, base).with_context(|| format!("{}", file.display()))?;
    *modules += tree.modules.len();
    let imports = imports::all(&tree);
    let mut complaints = order::circles(&tree, &imports);
    complaints.extend(order::upward(&tree, &imports));
    Ok(complaints)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
