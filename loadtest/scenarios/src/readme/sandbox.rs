//! What the README's reader has and a test does not: a network, release builds, a path.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fanjet_testkit::Process;
use fanjet_tools::packages::python_packages;
use fanjet_tools::programs::{PROGRAMS, Profile, executable};
use fanjet_tools::shell::{root, target};
use tempfile::TempDir;

use crate::service::{Service, listening, simulator, stop};

/// The simulated network's rate: enough to see events at once.
const RATE: &str = "50";

/// The sandbox. Dropping it stops the simulated network.
pub(super) struct Sandbox {
    simulator: Process,
    jetstream: Service,
    environment: BTreeMap<&'static str, String>,
    /// After the processes: it is removed when they have ended.
    folder: TempDir,
}

impl Sandbox {
    pub(super) async fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["bin", "programs", "transcripts", "sections", "jetstream"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let flags = [
            ["--start", "now", "--rate", RATE],
            ["--accounts", "100", "--records-per-repo", "20"],
        ];
        let simulator = simulator(Profile::Dev, &flags.concat())?;
        let upstream = listening(&simulator).await?;
        let data = folder.path().join("jetstream").display().to_string();
        let settings = [("ingest.upstream.url", &upstream), ("embedded.path", &data)];
        let jetstream = Service::start(Profile::Dev, "serve", &settings)?;
        jetstream.listening().await?;
        let server = jetstream.url()?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = format!(
            "{}:{}",
            folder.path().join("bin").display(),
            path.to_string_lossy()
        );
        let environment = BTreeMap::from([
            ("PATH", path),
            ("HOME", folder.path().display().to_string()),
            // Python would buffer streamed output.
            ("PYTHONUNBUFFERED", "1".to_owned()),
        ]);
        let made = Self {
            simulator,
            jetstream,
            environment,
            folder,
        };
        made.fill_path(&upstream, &server)?;
        Ok(made)
    }

    /// Ends what stands in for the network.
    pub(super) async fn end(mut self) -> Result<()> {
        self.jetstream.stop().await?;
        stop(&self.simulator, "the simulator").await
    }

    /// A working folder that looks like the repository.
    pub(super) fn new_folder(&self) -> Result<PathBuf> {
        let sections = self.folder.path().join("sections");
        let folder = sections.join(fs::read_dir(&sections)?.count().to_string());
        fs::create_dir_all(folder.join("target"))?;
        symlink(
            self.folder.path().join("programs"),
            folder.join("target/release"),
        )?;
        for entry in fs::read_dir(root())? {
            let entry = entry?;
            let name = entry.file_name();
            // Generated files must be new.
            let is_made = ["target", "data", "nats-data"]
                .iter()
                .any(|made| name == *made);
            if !is_made {
                symlink(entry.path(), folder.join(name))?;
            }
        }
        Ok(folder)
    }

    /// Writes a program; returns the line that runs it.
    pub(super) fn python_program(&self, folder: &Path, text: &str) -> Result<String> {
        fs::write(folder.join("program.py"), text)?;
        Ok("python3 program.py".to_owned())
    }

    pub(super) fn environment(&self) -> &BTreeMap<&'static str, String> {
        &self.environment
    }

    /// The folder for the commands' output.
    pub(super) fn transcripts(&self) -> PathBuf {
        self.folder.path().join("transcripts")
    }

    fn fill_path(&self, upstream: &str, server: &str) -> Result<()> {
        let bin = self.folder.path().join("bin");
        for name in PROGRAMS {
            let script = self.folder.path().join("programs").join(name);
            write_script(&script, &program_script(name, upstream, server))?;
        }
        symlink(
            self.folder.path().join("programs/fanjet"),
            bin.join("fanjet"),
        )?;
        symlink(fanjet_tools::nats_server()?, bin.join("nats-server"))?;
        let packages = target().join("clients").join("python");
        let lock = root().join("loadtest/clients/python/requirements.txt");
        python_packages(&packages, &lock)?;
        let python = format!(
            "#!/bin/sh\nexec {} \"$@\"\n",
            packages.join("bin/python3").display()
        );
        write_script(&bin.join("python3"), &python)?;
        write_script(&bin.join("cargo"), &cargo_script())
    }
}

fn write_script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// The program itself, with stand-ins for public hosts.
fn program_script(name: &str, upstream: &str, server: &str) -> String {
    format!(
        r#"#!/usr/bin/env bash
case "{name} $1" in
  "fanjet serve"|"fanjet ingest") export FANJET_INGEST__UPSTREAM__URL="{upstream}" ;;
esac
arguments=()
for argument in "$@"; do
  before="${{argument%%wss://*}}"
  case "$argument" in
    *wss://relay*) argument="${{before}}{upstream}" ;;
    *wss://jetstream*) argument="${{before}}{server}" ;;
    *://localhost*|*://127.0.0.1*) ;;
    *://*) echo "no stand-in for $argument" >&2; exit 64 ;;
  esac
  arguments+=("$argument")
done
exec {} "${{arguments[@]}}"
"#,
        executable(Profile::Dev, name).display()
    )
}

/// Accepts the programs that were built, and nothing else.
fn cargo_script() -> String {
    format!(
        r#"#!/usr/bin/env bash
command="$1"; shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case " -p --release {} " in
    *" $1 "*) shift ;;
    *) echo "this cargo builds and runs {} only, not $1" >&2; exit 64 ;;
  esac
done
case "$command" in
  build) exit 0 ;;
  run) shift; exec fanjet "$@" ;;
  *) echo "this cargo cannot $command" >&2; exit 64 ;;
esac
"#,
        PROGRAMS.join(" "),
        PROGRAMS.join(", ")
    )
}
