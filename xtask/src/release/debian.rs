//! A Debian package: the program, its systemd unit, and a settings file that upgrades leave alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{root, run as run_command};

use super::version::{Version, architecture};

const UNIT: &str = "deploy/systemd/fanjet@.service";
const SETTINGS: &str =
    "# Settings of all roles: /usr/share/doc/fanjet/settings.md, or fanjet serve --print-config.\n";
const FILES: [&str; 4] = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "CHANGELOG.md",
    "docs/operate/settings.md",
];
/// Units that run are restarted when the package is upgraded, and stopped when it is removed.
const AFTER: &str = "#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ \"$1\" = configure ] && [ -n \"$2\" ]; then systemctl try-restart 'fanjet@*.service'; fi
fi
";
const BEFORE_REMOVAL: &str = "#!/bin/sh
set -e
if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then systemctl stop 'fanjet@*.service'; fi
";
const AFTER_REMOVAL: &str = "#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
";

/// Returns its path.
pub(super) fn package(version: &Version, program: &Path, to: &Path) -> Result<PathBuf> {
    let folder = tempfile::tempdir()?;
    let at = |path: &str| -> Result<PathBuf> {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        Ok(path)
    };
    fs::copy(program, at("usr/bin/fanjet")?)?;
    let unit = fs::read_to_string(root().join(UNIT))?;
    let installed = unit.replace("/usr/local/bin/", "/usr/bin/");
    ensure!(
        installed != unit,
        "{UNIT} does not run /usr/local/bin/fanjet"
    );
    fs::write(at("usr/lib/systemd/system/fanjet@.service")?, installed)?;
    fs::write(at("etc/fanjet/fanjet.toml")?, SETTINGS)?;
    for file in FILES {
        let name = Path::new(file).file_name().context("a file has a name")?;
        fs::copy(
            root().join(file),
            at("usr/share/doc/fanjet/x")?.with_file_name(name),
        )?;
    }
    fs::write(at("DEBIAN/conffiles")?, "/etc/fanjet/fanjet.toml\n")?;
    let needed = newest_symbol(&fs::read(program)?).context("the program needs no C library")?;
    fs::write(at("DEBIAN/control")?, control(version, &needed))?;
    for (name, script) in [
        ("postinst", AFTER),
        ("prerm", BEFORE_REMOVAL),
        ("postrm", AFTER_REMOVAL),
    ] {
        fs::write(at(&format!("DEBIAN/{name}"))?, script)?;
    }
    let mut rights = Command::new("chmod");
    rights.args(["-R", "u=rwX,go=rX"]).arg(folder.path());
    run_command(&mut rights)?;
    let mut scripts = Command::new("chmod");
    scripts.current_dir(folder.path()).arg("0755");
    run_command(scripts.args([
        "DEBIAN/postinst",
        "DEBIAN/prerm",
        "DEBIAN/postrm",
        "usr/bin/fanjet",
    ]))?;
    let name = format!("fanjet_{}_{}.deb", version.number, architecture());
    let mut build = Command::new("dpkg-deb");
    build
        .args(["--build", "--root-owner-group", "-Zxz"])
        .arg(folder.path())
        .arg(to.join(&name))
        .env("SOURCE_DATE_EPOCH", &version.time);
    run_command(&mut build).context("dpkg-deb is part of dpkg")?;
    Ok(to.join(name))
}

fn control(version: &Version, libc: &str) -> String {
    format!(
        "Package: fanjet
Version: {}
Architecture: {}
Maintainer: The Fanjet authors <noreply@fanjet.invalid>
Section: net
Priority: optional
Depends: libc6 (>= {libc}), ca-certificates
Description: A horizontally scalable relay cluster for ATProto
 Reads the firehose of a relay, keeps it as a log, and serves it to clients
 that speak Jetstream. systemctl enable --now fanjet@serve runs one node.
",
        version.number,
        architecture()
    )
}

/// The newest version of the C library that has everything the program uses.
fn newest_symbol(program: &[u8]) -> Option<String> {
    const PREFIX: &[u8] = b"GLIBC_";
    let starts = program.windows(PREFIX.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == PREFIX);
    let versions = starts.filter_map(|(start, _)| {
        let rest = &program[start + PREFIX.len()..];
        let end = rest.iter().position(|it| *it == 0)?;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        let (major, minor) = text.split_once('.')?;
        let minor = minor.split('.').next()?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    let (major, minor) = versions.max()?;
    Some(format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests;
