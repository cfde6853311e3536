//! Pinned tools for the chart. Go tools are built from `helm/tools`, which has their checksums.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use fanjet_tools::packages::{node_packages, once_per_lock, python_packages};
use fanjet_tools::shell::{root, run as run_command, target};

const GO_TOOLS: [&str; 2] = [
    "helm.sh/helm/v3/cmd/helm",
    "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
];

/// Their folder.
pub(super) struct Tools {
    pub(super) helm: PathBuf,
    pub(super) unittest: PathBuf,
    pub(super) kubernetes_validate: PathBuf,
    /// The program that validates custom resources, next to its packages.
    pub(super) extensions: PathBuf,
}

impl Tools {
    /// Installs missing tools. The first time takes minutes: Helm is compiled.
    ///
    /// # Errors
    /// When `go`, `python3` or `npm` is missing, or a download fails.
    pub(super) fn install() -> Result<Self> {
        let pins = root().join("helm/tools");
        let go = target().join("tools/helm");
        fs::create_dir_all(&go)?;
        once_per_lock(&go, &pins.join("go.sum"), || {
            let mut build = Command::new("go");
            build
                .current_dir(&pins)
                .args(["build", "-mod=readonly", "-o"])
                .arg(&go)
                .args(GO_TOOLS);
            run_command(&mut build).context("failed to build helm (needs Go 1.26 or newer)")
        })?;
        let python = target().join("tools/kubernetes-validate");
        python_packages(&python, &pins.join("requirements.txt"))?;
        let extensions = target().join("tools/extensions");
        fs::create_dir_all(&extensions)?;
        // Node looks for packages beside the program.
        let wanted = pins.join("extensions");
        for name in ["check.mjs", "package.json", "package-lock.json"] {
            fs::copy(wanted.join(name), extensions.join(name))?;
        }
        node_packages(&extensions)?;
        Ok(Self {
            extensions: extensions.join("check.mjs"),
            helm: go.join("helm"),
            unittest: go.join("helm-unittest"),
            kubernetes_validate: python.join("bin/kubernetes-validate"),
        })
    }
}
