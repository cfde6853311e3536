//! What a release consists of, in `target/release-files`: programs with and without Kafka, a Debian package, the chart, what they are made
//! of (SBOM), checksums, and notes. The image is built by the workflow, from the same Dockerfile as everywhere.
//!
//! Archives have no time, owner or order of this machine in them, so that the same programs make the same bytes.

mod version;
mod notes;
mod programs;
mod archive;
mod debian;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{root, run as run_command, target};

use programs::{Build, Variant};
use version::Version;

/// Arguments of `cargo xtask release` and `package`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of an unreleased tree: any commit, and the changelog's section "Unreleased"
    #[arg(long)]
    dry_run: bool,
    /// Unoptimized programs, to try the command
    #[arg(long)]
    dev: bool,
    /// Build everything twice, the programs in another folder, and compare the bytes
    #[arg(long)]
    twice: bool,
}

/// Files beside the program in an archive.
const DOCUMENTS: [&str; 5] = [
    "README.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "deploy/systemd/fanjet@.service",
];
const CHECKSUMS: &str = "SHA256SUMS";

/// Everything that a release has.
pub(crate) fn run(args: &Args) -> Result<()> {
    let version = Version::of_the_tree(args.dry_run)?;
    let files = target().join("release-files");
    make(&version, args.dev, "release-build", &files)?;
    if args.twice {
        let again = target().join("release-files-again");
        make(&version, args.dev, "release-build-again", &again)?;
        compare(&files, &again)?;
    }
    Ok(())
}

/// The Debian package alone.
pub(crate) fn package(args: &Args) -> Result<()> {
    let version = Version::of_the_tree(args.dry_run)?;
    let files = fresh(&target().join("release-files"))?;
    let build = Build {
        is_optimised: !args.dev,
        folder: target().join("release-build"),
    };
    let program = build.program(&version, Variant::Kafka)?;
    let package = debian::package(&version, &program, &files)?;
    println!("package: {}", package.display());
    Ok(())
}

fn make(version: &Version, is_dev: bool, folder: &str, files: &Path) -> Result<()> {
    let files = fresh(files)?;
    let build = Build {
        is_optimised: !is_dev,
        folder: target().join(folder),
    };
    for variant in Variant::ALL {
        let program = build.program(version, variant)?;
        let name = format!(
            "{}-{}{}",
            version.name(),
            version.platform(),
            variant.ending()
        );
        archive::of_program(version, &program, &DOCUMENTS, &name, &files)?;
        fs::write(
            files.join(format!("{name}.cdx.json")),
            sbom::of(version, variant)?,
        )?;
        if variant == Variant::Kafka {
            debian::package(version, &program, &files)?;
        }
    }
    chart(version, &files)?;
    fs::write(files.join("notes.md"), notes::of(version)?)?;
    let sums = checksums(&files)?;
    fs::write(files.join(CHECKSUMS), &sums)?;
    print!("{sums}");
    println!("release: {} in {}", version.name(), files.display());
    Ok(())
}

/// The chart as Helm packages it, but without the time of this moment.
fn chart(version: &Version, files: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut package = Command::new(crate::chart::helm()?);
    package
        .args(["package", "--destination"])
        .arg(folder.path());
    run_command(package.arg(root().join("helm/fanjet")))?;
    let name = format!("{}.tgz", version.name());
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(folder.path().join(&name));
    run_command(unpack.arg("-C").arg(folder.path()))?;
    archive::of_folder(version, folder.path(), "fanjet", &files.join(&name))
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// In the format of sha256sum.
fn checksums(files: &Path) -> Result<String> {
    let names = names(files)?;
    let names = names.iter().filter(|name| *name != "notes.md");
    let answer = Command::new("sha256sum")
        .current_dir(files)
        .args(names)
        .output()
        .context("failed to run sha256sum")?;
    ensure!(answer.status.success(), "sha256sum failed");
    Ok(String::from_utf8(answer.stdout)?)
}

fn compare(one: &Path, other: &Path) -> Result<()> {
    let mut differing = Vec::new();
    for name in names(one)? {
        if fs::read(one.join(&name))? != fs::read(other.join(&name)).unwrap_or_default() {
            differing.push(name);
        }
    }
    ensure!(differing.is_empty(), "two builds differ in {differing:?}");
    println!("release: two builds have the same bytes");
    Ok(())
}
