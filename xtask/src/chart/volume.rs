//! The chart's NATS on a volume of a given size: the log is created, and a volume's worth of events that do not compress expires
//! the oldest ones and never stops the newest. Mounts a file, so it needs root.

mod fill;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::programs::{Profile, executable};
use fanjet_tools::shell::run as run_command;

use super::folders::output;
use super::render::Rendered;
use super::servers::{Passwords, Ports, Server, Settings, free_ports};
use super::tools::Tools;
use fill::Log;

/// Of the volume, as Kubernetes and as a file system name it.
const SIZE: (&str, u64) = ("256Mi", 256 << 20);
/// How much is written, as a multiple of the volume.
const TIMES: u64 = 2;
const SECRET: &str = "chosen";

/// # Errors
/// When the log cannot be created, an event is refused, or a server without the chart's limit creates it too.
pub(super) fn run(kubernetes: &str) -> Result<()> {
    let tools = Tools::install()?;
    fs::create_dir_all(output())?;
    let values = output().join("volume.yaml");
    fs::write(
        &values,
        format!("nats: {{ replicas: 1, storage: {{ size: {} }} }}\n", SIZE.0),
    )?;
    let rendered = Rendered::of(&tools, &values, kubernetes)?;
    let mut settings = Settings::of(&rendered.manifests)?;
    let prepare = prepare_settings(&rendered.manifests)?;

    let volume = Volume::mount()?;
    let ports = free_ports()?;
    let server = volume.start(&settings, ports)?;
    let (is_prepared, said) = run_prepare(&prepare, ports)?;
    ensure!(is_prepared, "fanjet prepare: {said}");
    let mut log = Log::connect(ports.clients, &format!("{SECRET}-ingest-password"))?;
    let written = log.append(SIZE.1 * TIMES)?;
    let free = volume.free()?;
    ensure!(
        free > 0.01,
        "only {:.1} % of the volume is free",
        free * 100.0
    );
    drop(server);
    drop(volume);

    let limit = settings.conf.lines().filter(|it| !it.contains("max_file:"));
    settings.conf = limit.collect::<Vec<_>>().join("\n");
    let volume = Volume::mount()?;
    let _server = volume.start(&settings, ports)?;
    let (is_prepared, said) = run_prepare(&prepare, ports)?;
    let names_it = said.contains("invalid log configuration: nats.stream.max_bytes is");
    ensure!(
        !is_prepared && names_it,
        "without max_file fanjet prepare must fail and name the limit: {said}"
    );
    println!(
        "volume: {written} events on {}, {:.0} % stayed free; without max_file the log cannot be created",
        SIZE.0,
        free * 100.0
    );
    Ok(())
}

/// The text of `prepare.toml`.
fn prepare_settings(manifests: &[String]) -> Result<String> {
    let file = manifests.iter().find(|it| it.contains("prepare.toml: |"));
    let (_, text) = file
        .and_then(|it| it.split_once("prepare.toml: |\n"))
        .context("no prepare.toml")?;
    Ok(text
        .lines()
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect())
}

fn run_prepare(settings: &str, ports: Ports) -> Result<(bool, String)> {
    let file = output().join("prepare.toml");
    fs::write(&file, settings)?;
    let answer = Command::new(executable(Profile::Dev, "fanjet"))
        .env_clear()
        .env("FANJET_NATS__PASSWORD", format!("{SECRET}-admin-password"))
        .args(["prepare", "--config"])
        .arg(&file)
        .args([
            "--set",
            &format!("nats.url=nats://127.0.0.1:{}", ports.clients),
        ])
        .output()
        .context("failed to run fanjet: build it first")?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    Ok((answer.status.success(), said))
}

/// A file system in a file.
struct Volume {
    folder: tempfile::TempDir,
}

impl Volume {
    fn mount() -> Result<Self> {
        let volume = Self {
            folder: tempfile::tempdir()?,
        };
        let image = volume.folder.path().join("image");
        File::create(&image)?.set_len(SIZE.1)?;
        run_command(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
        fs::create_dir(volume.path())?;
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(&image).arg(volume.path());
        run_command(&mut mount).context("failed to mount a file: needs root")?;
        Ok(volume)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn start(&self, settings: &Settings, ports: Ports) -> Result<Server> {
        Server::start(settings, &self.path(), 0, &[ports], Passwords::all(SECRET))
    }

    /// The share that is free for everyone but root.
    fn free(&self) -> Result<f64> {
        let mut df = Command::new("df");
        let answer = df.args(["--output=size,avail"]).arg(self.path()).output()?;
        let text = String::from_utf8(answer.stdout)?;
        let numbers = text.lines().nth(1).unwrap_or_default().split_whitespace();
        let numbers: Vec<f64> = numbers.filter_map(|it| it.parse().ok()).collect();
        match numbers.as_slice() {
            [size, free] => Ok(free / size),
            _ => anyhow::bail!("df: {text}"),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        unmount(&self.path());
    }
}

fn unmount(path: &Path) {
    Command::new("umount").arg(path).status().ok();
}
