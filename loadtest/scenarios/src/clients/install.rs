//! Installs the Jetstream clients from their registries, below `target/clients`, as pinned by their lock files.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use fanjet_tools::packages::{node_packages, python_packages};
use fanjet_tools::shell::{cargo, root, run as run_command, target};
use serde_json::Value;

use super::library::Library;

/// The folders.
pub(super) struct Installed {
    node: PathBuf,
    python: PathBuf,
    rust: PathBuf,
    /// The official dictionary, from the rocketman package.
    pub(super) dictionary: PathBuf,
    rust_versions: Vec<(String, String)>,
}

impl Installed {
    /// Installs what is missing. Needs npm, python3 with venv and pip, and the registries.
    pub(super) fn install() -> Result<Self> {
        let (rust_versions, dictionary) = rust_packages()?;
        Ok(Self {
            node: node("node")?,
            python: python()?,
            rust: rust()?,
            dictionary,
            rust_versions,
        })
    }

    /// The command that runs a library's driver; its specification is the last argument.
    pub(super) fn driver(&self, library: Library) -> Command {
        let mut command = match library {
            Library::Skyware | Library::Atcute => {
                let mut node = Command::new("node");
                node.arg(self.node.join("driver.js"));
                node
            }
            Library::Websockets => {
                let mut python = Command::new(self.python.join("bin/python3"));
                python.arg(drivers("python").join("driver.py"));
                python
            }
            Library::Atproto | Library::AtprotoAsync => {
                let mut python = Command::new(self.python.join("bin/python3"));
                python.arg(drivers("python").join("atproto_driver.py"));
                python
            }
            Library::JetstreamOxide | Library::Rocketman => Command::new(&self.rust),
        };
        command.arg(library.name());
        command
    }

    /// Python with the packages of the drivers.
    pub(super) fn python(&self) -> Command {
        Command::new(self.python.join("bin/python3"))
    }

    /// The installed version.
    pub(super) fn version(&self, library: Library) -> Result<String> {
        let version = match library {
            Library::Skyware | Library::Atcute => {
                let package = format!("node_modules/@{}/jetstream/package.json", library.name());
                let manifest = fs::read_to_string(self.node.join(package))?;
                let manifest: Value = serde_json::from_str(&manifest)?;
                manifest["version"].as_str().map(str::to_owned)
            }
            Library::Websockets => python_pin("websockets==")?,
            Library::Atproto | Library::AtprotoAsync => python_pin("atproto==")?,
            Library::JetstreamOxide | Library::Rocketman => {
                let mut versions = self.rust_versions.iter();
                let package = versions.find(|(name, _)| name == library.name());
                package.map(|(_, version)| version.clone())
            }
        };
        version.with_context(|| format!("{} has no version", library.name()))
    }
}

/// The version that the lock file of the Python drivers pins.
fn python_pin(start: &str) -> Result<Option<String>> {
    let pins = fs::read_to_string(drivers("python").join("requirements.txt"))?;
    let pin = pins.lines().find_map(|line| line.strip_prefix(start));
    Ok(pin.and_then(|pin| Some(pin.split_whitespace().next()?.to_owned())))
}

/// The folder of one language's drivers.
pub(super) fn drivers(language: &str) -> PathBuf {
    root().join("loadtest/clients").join(language)
}

pub(super) fn installed(language: &str) -> PathBuf {
    target().join("clients").join(language)
}

/// Node looks for packages next to the program, so the drivers are copied to the packages.
pub(super) fn node(name: &str) -> Result<PathBuf> {
    let folder = installed(name);
    fs::create_dir_all(&folder)?;
    for file in fs::read_dir(drivers(name))? {
        let file = file?.path();
        if file.is_file() {
            let name = file.file_name().context("a file has a name")?;
            fs::copy(&file, folder.join(name))?;
        }
    }
    node_packages(&folder)?;
    Ok(folder)
}

pub(super) fn python() -> Result<PathBuf> {
    let folder = installed("python");
    python_packages(&folder, &drivers("python").join("requirements.txt"))?;
    Ok(folder)
}

fn rust() -> Result<PathBuf> {
    let folder = installed("rust");
    let mut build = cargo();
    build.current_dir(drivers("rust"));
    build.args(["build", "--locked", "--quiet", "--target-dir"]);
    run_command(build.arg(&folder))?;
    let program = folder.join("debug/fanjet-clients-rust");
    ensure!(program.exists(), "{} was not built", program.display());
    Ok(program)
}

/// The versions of the locked packages, and the path of rocketman's dictionary.
fn rust_packages() -> Result<(Vec<(String, String)>, PathBuf)> {
    let metadata = MetadataCommand::new()
        .manifest_path(drivers("rust").join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()?;
    let mut packages = metadata.packages.iter();
    let rocketman = packages
        .find(|package| package.name.as_str() == "rocketman")
        .context("rocketman is not among the packages")?;
    let dictionary = rocketman.manifest_path.with_file_name("zstd/dictionary");
    let versions = metadata.packages.iter();
    let versions = versions.map(|package| (package.name.to_string(), package.version.to_string()));
    Ok((versions.collect(), dictionary.into_std_path_buf()))
}
