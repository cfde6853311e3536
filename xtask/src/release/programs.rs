//! The programs of a release, without this machine's folders in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use fanjet_tools::shell::{cargo, root, run as run_command};

use super::version::Version;

/// What a program can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Everything, as in the image.
    Kafka,
    /// No C library of Kafka.
    WithoutKafka,
}

impl Variant {
    pub(super) const ALL: [Self; 2] = [Self::Kafka, Self::WithoutKafka];

    /// What its files are named.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Kafka => "",
            Self::WithoutKafka => "-without-kafka",
        }
    }

    /// Flags of cargo.
    pub(super) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Kafka => &["--no-default-features", "--features", "kafka"],
            Self::WithoutKafka => &["--no-default-features"],
        }
    }
}

/// How programs are built.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) is_optimised: bool,
    /// Of its own: other flags of the compiler would rebuild everything.
    pub(super) folder: PathBuf,
}

impl Build {
    /// Builds a program; returns the path of its stripped file, named `fanjet`.
    pub(super) fn program(&self, version: &Version, variant: Variant) -> Result<PathBuf> {
        let mut build = cargo();
        build.args(["build", "--locked", "--package", "fanjet"]);
        build.args(variant.features());
        if self.is_optimised {
            build.arg("--release");
        }
        let remap = remap(&self.folder);
        let rust = remap
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={from}={to}"));
        let c = remap
            .iter()
            .map(|(from, to)| format!("-ffile-prefix-map={from}={to}"));
        let c = c.collect::<Vec<_>>().join(" ");
        build
            .env("CARGO_TARGET_DIR", &self.folder)
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                rust.collect::<Vec<_>>().join("\x1f"),
            )
            .env("CFLAGS", &c)
            .env("CXXFLAGS", &c)
            .env("SOURCE_DATE_EPOCH", &version.time);
        run_command(&mut build)?;
        let profile = match self.is_optimised {
            true => "release",
            false => "debug",
        };
        let built = self.folder.join(profile).join("fanjet");
        let stripped = self.folder.join(format!("stripped{}", variant.ending()));
        std::fs::create_dir_all(&stripped)?;
        let stripped = stripped.join("fanjet");
        let mut strip = Command::new("strip");
        strip.arg("--strip-debug").arg("-o").arg(&stripped);
        run_command(strip.arg(built)).context("strip is part of binutils")?;
        Ok(stripped)
    }
}

/// Folders of this machine, and what stands for them in a program.
fn remap(target: &Path) -> Vec<(String, &'static str)> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME");
    let cargo = cargo.map_or_else(|| home.join(".cargo"), PathBuf::from);
    // The last one that matches wins, so the most specific ones come last.
    let folders = [
        (root().to_owned(), "/fanjet"),
        (cargo, "/cargo"),
        (target.to_owned(), "/target"),
    ];
    let shown = folders.map(|(folder, name)| (folder.display().to_string(), name));
    shown.into()
}
