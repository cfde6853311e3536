//! Installs the packages of the examples below `target/examples`, as their lock files pin them, builds the compiled ones, and starts
//! all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_testkit::process::Program;
use fanjet_tools::packages::{node_packages, python_packages};
use fanjet_tools::shell::{cargo, root, run, target};

use super::program::Example;
use super::testbed::reader_environment;

/// Where everything is.
pub(super) struct Installed {
    python: PathBuf,
    typescript: PathBuf,
    go: PathBuf,
    rust: PathBuf,
}

impl Installed {
    /// Installs and builds what is missing. Needs python3 with venv and pip, Node.js with npm, Go, bash, curl, and the registries.
    pub(super) fn install() -> Result<Self> {
        Ok(Self {
            python: python()?,
            typescript: typescript()?,
            go: go()?,
            rust: rust()?,
        })
    }

    /// Starts every client of `/subscribe` and `/events`.
    pub(super) fn subscribers(
        &self,
        server: &str,
        folder: &Path,
        collections: &[&str],
    ) -> Result<Vec<Example>> {
        let http = server.replacen("ws://", "http://", 1);
        let script = root().join("examples/curl/events.sh");
        let programs = [
            ("jetstream, Python", self.python("jetstream.py"), server),
            (
                "jetstream, TypeScript",
                self.typescript("jetstream.ts"),
                server,
            ),
            (
                "jetstream, Go",
                Program::new(self.go.join("jetstream")),
                server,
            ),
            ("jetstream, Rust", Program::new(&self.rust), server),
            (
                "events, curl",
                Program::new("bash").arg(script),
                http.as_str(),
            ),
        ];
        let start = |(name, program, server): (&str, Program, &str)| {
            let cursor = folder.join(name.replace(", ", "-"));
            let program = program
                .arg(server)
                .arg(cursor)
                .args(collections.iter().copied());
            Example::start(name, program)
        };
        programs.into_iter().map(start).collect()
    }

    /// Starts every reader of NATS, each with a durable consumer of its own.
    pub(super) fn readers(&self, nats: &str, collections: &[&str]) -> Result<Vec<Example>> {
        self.consume(nats, "", 0, collections)
    }

    /// Starts them with new consumers that start at a time.
    pub(super) fn replays(
        &self,
        nats: &str,
        since: u64,
        collections: &[&str],
    ) -> Result<Vec<Example>> {
        self.consume(nats, "replay-", since, collections)
    }

    /// Starts two processes that share one durable consumer.
    pub(super) fn team(&self, nats: &str, collections: &[&str]) -> Result<Vec<Example>> {
        let member = |name| {
            let program = Program::new(self.go.join("nats"));
            Example::start(name, consuming(program, nats, "team", 0, collections))
        };
        Ok(vec![member("team, first")?, member("team, second")?])
    }

    /// The feed generator, on a free port.
    pub(super) fn feed_generator(&self, server: &str, host: &str, word: &str) -> Program {
        let program = self.typescript("feed-generator.ts");
        program.args([server, host, "0", word])
    }

    fn consume(
        &self,
        nats: &str,
        prefix: &str,
        since: u64,
        collections: &[&str],
    ) -> Result<Vec<Example>> {
        let programs = [
            ("Python", self.python("nats_log.py")),
            ("TypeScript", self.typescript("nats.ts")),
            ("Go", Program::new(self.go.join("nats"))),
        ];
        let start = |(language, program): (&str, Program)| {
            let consumer = format!("{prefix}{}", language.to_lowercase());
            let program = consuming(program, nats, &consumer, since, collections);
            let kind = if since == 0 {
                "nats"
            } else {
                "nats since a time"
            };
            Example::start(&format!("{kind}, {language}"), program)
        };
        programs.into_iter().map(start).collect()
    }

    fn python(&self, script: &str) -> Program {
        let script = root().join("examples/python").join(script);
        Program::new(self.python.join("bin/python3")).arg(script)
    }

    /// Node.js runs TypeScript without a loader since 22.18. The loader works with older versions, too.
    fn typescript(&self, script: &str) -> Program {
        let loader = "node_modules/ts-blank-space/loader/register.js";
        Program::new("node")
            .arg("--import")
            .arg(self.typescript.join(loader))
            .arg(self.typescript.join(script))
    }
}

fn consuming(
    program: Program,
    nats: &str,
    consumer: &str,
    since: u64,
    collections: &[&str],
) -> Program {
    let program = program.arg(consumer).arg(since.to_string());
    let program = program.args(collections.iter().copied());
    let environment = reader_environment(nats).into_iter();
    environment.fold(program, |program, (name, value)| program.env(name, value))
}

fn sources(language: &str) -> PathBuf {
    root().join("examples").join(language)
}

fn installed(language: &str) -> PathBuf {
    target().join("examples").join(language)
}

fn python() -> Result<PathBuf> {
    let folder = installed("python");
    python_packages(&folder, &sources("python").join("requirements.txt"))?;
    Ok(folder)
}

/// Node.js looks for packages beside the program, so the examples are copied to where the packages are.
fn typescript() -> Result<PathBuf> {
    let folder = installed("typescript");
    fs::create_dir_all(&folder)?;
    for file in fs::read_dir(sources("typescript"))? {
        let file = file?.path();
        if file.is_file() {
            let name = file.file_name().context("a file has a name")?;
            fs::copy(&file, folder.join(name))?;
        }
    }
    node_packages(&folder)?;
    let mut check = Command::new("node");
    run(check
        .current_dir(&folder)
        .arg("node_modules/typescript/bin/tsc"))?;
    Ok(folder)
}

fn go() -> Result<PathBuf> {
    let folder = installed("go");
    fs::create_dir_all(&folder)?;
    let mut build = Command::new("go");
    build.current_dir(sources("go"));
    build.args(["build", "-mod=readonly", "-o"]);
    run(build.arg(&folder).arg("./..."))?;
    Ok(folder)
}

/// Built with the features of the workspace's tests, which build it as well.
fn rust() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace", "--all-features"]);
    run(build.args(["--example", "jetstream"]))?;
    let program = target().join("debug/examples/jetstream");
    ensure!(program.exists(), "{} was not built", program.display());
    Ok(program)
}
