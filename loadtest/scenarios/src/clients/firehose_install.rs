//! Installs the clients of the firehose and of labels, as [`super::install`] does those of Jetstream.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use fanjet_tools::shell::run as run_command;

use super::firehose_library::FirehoseLibrary;
use super::install::{drivers, installed, node, python};

/// The folders, and the Go program.
pub(super) struct FirehoseClients {
    python: PathBuf,
    node: PathBuf,
    go: PathBuf,
}

impl FirehoseClients {
    /// Installs what is missing. Needs npm, python3 with venv and pip, go, and the registries.
    pub(super) fn install() -> Result<Self> {
        Ok(Self {
            python: python()?,
            node: node("firehose-node")?,
            go: go()?,
        })
    }

    fn python(&self) -> Command {
        Command::new(self.python.join("bin/python3"))
    }

    /// The command that runs a client of the firehose.
    pub(super) fn firehose(&self, library: FirehoseLibrary, url: &str) -> Command {
        let python = |kind: &str| {
            let mut python = self.python();
            python.arg(drivers("python").join("firehose.py"));
            python.args([kind, &format!("{url}/xrpc")]);
            python
        };
        let node = |name: &str| {
            let mut node = Command::new("node");
            node.arg(self.node.join("firehose.js"));
            node.args([name, url]);
            node
        };
        match library {
            FirehoseLibrary::Python => python("sync"),
            FirehoseLibrary::PythonAsync => python("async"),
            FirehoseLibrary::TypeScript => node("atproto"),
            FirehoseLibrary::Atcute => node("atcute"),
            FirehoseLibrary::Indigo => {
                let mut go = Command::new(&self.go);
                go.arg(url);
                go
            }
        }
    }

    /// The command that runs a label client of the Python SDK.
    pub(super) fn labels(&self) -> Command {
        let mut python = self.python();
        python.arg(drivers("python").join("labels.py"));
        python
    }
}

fn go() -> Result<PathBuf> {
    let folder = installed("firehose-go");
    fs::create_dir_all(&folder)?;
    let program = folder.join("firehose");
    let mut build = Command::new("go");
    build.current_dir(drivers("firehose-go"));
    build.args(["build", "-mod=readonly", "-o"]);
    run_command(build.arg(&program).arg("."))?;
    Ok(program)
}
