//! Plants each mutant and runs the one test that must catch it.

use std::fmt::{self, Display, Formatter};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Message;

use super::patch::{CaughtBy, Mutant};
use super::tree::Tree;
use crate::scenarios;

/// A mutant whose test has not ended by now hangs: that is noticed, too.
const TEST_LIMIT: Duration = Duration::from_secs(240);
/// As long as a thousand seeds may take.
const SIMULATION_LIMIT: Duration = Duration::from_secs(1800);

/// How a mutant was noticed.
enum Noticed {
    Failed,
    Hung,
    AtSeed(u64),
}

impl Display for Noticed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("the test fails"),
            Self::Hung => f.write_str("the test hangs"),
            Self::AtSeed(seed) => write!(f, "seed {seed} of the simulation fails"),
        }
    }
}

/// Runs mutants.
///
/// # Errors
/// The mutants that were not caught, do not apply or do not compile.
pub(super) fn run(mutants: &[Mutant]) -> Result<()> {
    let began = Instant::now();
    let tree = Tree::open()?;
    let mut survivors = Vec::new();
    for mutant in mutants {
        let since = Instant::now();
        let outcome = tree.apply(mutant).and_then(|()| notice(&tree, mutant));
        tree.restore(mutant)?;
        let seconds = since.elapsed().as_secs();
        match outcome {
            Ok(noticed) => {
                let how: Vec<_> = noticed.iter().map(Noticed::to_string).collect();
                println!(
                    "caught     {} ({seconds} s): {}",
                    mutant.name,
                    how.join(", ")
                );
            }
            Err(error) => {
                println!("NOT caught {} ({seconds} s): {error:#}", mutant.name);
                survivors.push(mutant.name.as_str());
            }
        }
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    ensure!(
        survivors.is_empty(),
        "{} of {} kept mutants not caught: {}",
        survivors.len(),
        mutants.len(),
        survivors.join(", ")
    );
    println!(
        "mutants: all {} kept mutants caught in {minutes:.1} min",
        mutants.len()
    );
    Ok(())
}

fn notice(tree: &Tree, mutant: &Mutant) -> Result<Vec<Noticed>> {
    let commands = mutant.caught_by.iter();
    commands
        .map(|command| match command {
            CaughtBy::Test { target, test } => fails(tree, target, test),
            CaughtBy::Simulation { seeds } => is_found(tree, *seeds),
        })
        .collect()
}

/// Builds the target of a test and runs this test only.
fn fails(tree: &Tree, target: &[String], test: &str) -> Result<Noticed> {
    let (program, package) = build(tree.cargo().args(["test", "--no-run"]).args(target), true)?;
    let mut command = Command::new(program);
    command.current_dir(package).args(["--exact", test]);
    let Some(output) = output_within(&mut command, TEST_LIMIT)? else {
        return Ok(Noticed::Hung);
    };
    ensure!(
        !output.contains("running 0 tests"),
        "there is no test {test}"
    );
    ensure!(
        output.contains("test result: FAILED. 0 passed; 1 failed"),
        "{test} passes although the bug is planted"
    );
    Ok(Noticed::Failed)
}

/// Runs the simulation until a seed fails.
fn is_found(tree: &Tree, seeds: u64) -> Result<Noticed> {
    let (program, package) = build(scenarios::for_simulation(tree.cargo().arg("build")), false)?;
    let mut command = Command::new(program);
    command
        .current_dir(package)
        .args(["--stop", "--seeds", &seeds.to_string()]);
    let Some(output) = output_within(&mut command, SIMULATION_LIMIT)? else {
        bail!(
            "{seeds} seeds take longer than {} minutes",
            SIMULATION_LIMIT.as_secs() / 60
        );
    };
    let seed = output
        .split("FAILED seed ")
        .nth(1)
        .context("no seed fails although the bug is planted")?;
    let digits: String = seed.chars().take_while(char::is_ascii_digit).collect();
    Ok(Noticed::AtSeed(digits.parse()?))
}

/// Builds, and returns the program, or the tests, and the folder of its package.
fn build(cargo: &mut Command, is_test: bool) -> Result<(PathBuf, PathBuf)> {
    cargo.args([
        "--locked",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    let built = cargo
        .stderr(Stdio::piped())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        built.status.success(),
        "it does not compile\n{}",
        String::from_utf8_lossy(&built.stderr).trim()
    );
    let mut program = None;
    for message in Message::parse_stream(&built.stdout[..]) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.profile.test == is_test
            && let Some(executable) = artifact.executable
        {
            let folder = artifact.manifest_path.parent().map(Into::into);
            program = Some((executable.into_std_path_buf(), folder.unwrap_or_default()));
        }
    }
    program.context("cargo built no program")
}

/// Everything that a program writes; `None` when it was killed because it did not end in time.
fn output_within(command: &mut Command, limit: Duration) -> Result<Option<String>> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    let mut stdout = child.stdout.take().context("no stdout")?;
    let reading = thread::spawn(move || {
        let mut text = Vec::new();
        stdout
            .read_to_end(&mut text)
            .map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(50));
    }
    let text = reading
        .join()
        .map_err(|_| anyhow::anyhow!("reading the output panicked"))?;
    Ok(Some(text?))
}
