//! The Kafka broker: jars from Maven Central, run by the machine's own Java.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::folder;
use crate::setting::setting;
use crate::shell::run_quietly;

const VERSION: &str = "4.1.1";
const OVERRIDDEN_BY: &str = "FANJET_KAFKA_JARS";
const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const POM: &str = include_str!("../../kafka/pom.xml");

/// SHA-256 of the names and hashes of all jars, sorted by name.
const SHA256: &str = "b0dd0156c922e6db8a67bead0f734cd4a02ff3e71fd5565f890b28934d65dac8";

/// The folder with the jars of a Kafka broker: the one in `FANJET_KAFKA_JARS`, or the pinned ones, installed if
/// missing. Blocks while it downloads.
///
/// # Errors
/// What is missing (`mvn`, `java`, the network) and what to do about it.
pub fn kafka_jars() -> Result<PathBuf> {
    if let Some(named) = setting(OVERRIDDEN_BY) {
        let path = PathBuf::from(named);
        ensure!(
            path.is_dir(),
            "{OVERRIDDEN_BY} is {}, which is not a folder",
            path.display()
        );
        return Ok(path);
    }
    let folder = folder();
    let home = folder.join(format!("kafka-{VERSION}"));
    if !home.is_dir() {
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("kafka.lock"))?;
        lock.lock()?;
        // Another process may have installed it while this one waited.
        if !home.is_dir() {
            install(&folder, &home).with_context(|| {
                format!("cannot install Kafka {VERSION}; set {OVERRIDDEN_BY} to a folder with its jars instead")
            })?;
        }
    }
    Ok(home.canonicalize()?)
}

fn install(folder: &Path, home: &Path) -> Result<()> {
    let work = tempfile::tempdir_in(folder)?;
    fs::write(work.path().join("pom.xml"), POM)?;
    let jars = work.path().join("jars");
    let mut maven = Command::new("mvn");
    maven
        .current_dir(work.path())
        .args(["-q", "-B", PLUGIN, "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", jars.display()));
    run_quietly(&mut maven).context("needs mvn and access to Maven Central")?;
    let found = digest(&jars)?;
    ensure!(
        found == SHA256,
        "wrong SHA-256 of the jars: {found} (pinned: {SHA256})"
    );
    // A rename is atomic, so an interrupted installation leaves no partial tool behind.
    fs::rename(&jars, home)?;
    Ok(())
}

fn digest(jars: &Path) -> Result<String> {
    let mut files = fs::read_dir(jars)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut all = Sha256::new();
    for file in files {
        let name = file.file_name().context("a file has a name")?;
        all.update(name.as_encoded_bytes());
        all.update(Sha256::digest(fs::read(&file)?));
    }
    Ok(data_encoding::HEXLOWER.encode(&all.finalize()))
}
