//! Pinned tools for the chart. Go tools are built from `helm/tools`, which has their checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use fanjet_tools::packages::{node_packages, once_per_lock, python_packages};
use fanjet_tools::shell::{root, run as run_command, target};

const GO_TOOLS: [&str; 2] = [
    "helm.sh/helm/v3/cmd/helm",
    "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
];

const PROMTOOL: [&str; 1] = ["github.com/prometheus/prometheus/cmd/promtool"];
/// Leaves out service discovery, most of Prometheus: the SDKs of all clouds.
const SMALL: &str = "remove_all_sd";

/// Their folder.
pub(super) struct Tools {
    pub(super) helm: PathBuf,
    pub(super) promtool: PathBuf,
    pub(super) unittest: PathBuf,
    pub(super) kubernetes_validate: PathBuf,
    /// The program that validates custom resources, next to its packages.
    pub(super) extensions: PathBuf,
}

impl Tools {
    /// Installs missing tools. The first time takes minutes: Helm and promtool are compiled.
    ///
    /// # Errors
    /// When `go`, `python3` or `npm` is missing, or a download fails.
    pub(super) fn install() -> Result<Self> {
        let pins = root().join("helm/tools");
        let go = target().join("tools/helm");
        build(&pins, &go, "", &GO_TOOLS)?;
        let prometheus = target().join("tools/promtool");
        build(&pins.join("promtool"), &prometheus, SMALL, &PROMTOOL)?;
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
            promtool: prometheus.join("promtool"),
            unittest: go.join("helm-unittest"),
            kubernetes_validate: python.join("bin/kubernetes-validate"),
        })
    }
}

/// Builds programs of the module in a folder.
fn build(module: &Path, to: &Path, tags: &str, programs: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    once_per_lock(to, &module.join("go.sum"), || {
        let mut build = Command::new("go");
        build
            .current_dir(module)
            .args(["build", "-mod=readonly", "-tags", tags, "-o"])
            // With a slash at the end it is a folder, also for a single program.
            .arg(to.join(""))
            .args(programs);
        run_command(&mut build)
            .with_context(|| format!("failed to build {programs:?} (needs Go 1.26 or newer)"))
    })
}
