//! A simulated firehose, a real `fanjet serve` that reads it, and the comparison of the two.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::Entry;
use fanjet_log::contract::whole;
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use fanjet_runtime::SystemClock;
use fanjet_simulator::{
    ExpectedEvent, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};
use fanjet_testkit::Process;
use fanjet_testkit::corpus::compare;
use fanjet_testkit::process::Program;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest wait of a test. Reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);

/// The program with arguments and no environment.
pub(crate) fn fanjet(args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_fanjet"))
        .args(args.iter().copied())
        .clean_env()
}

/// Runs the program with only `env` as its environment. Returns its exit code and its output.
pub(crate) async fn run(args: &[&str], env: &[(&str, String)]) -> (Option<i32>, String) {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_fanjet"));
    program.args(args).env_clear().envs(env.iter().cloned());
    let ended = tokio::time::timeout(PATIENCE, program.kill_on_drop(true).output());
    let output = ended.await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A simulator that waits for a client before it publishes.
pub(crate) async fn simulator(seed: u64, frames: u64, rate: Rate) -> SimulatorHandle {
    let world = WorldConfig {
        seed,
        accounts: 40,
        records_per_repo: 30,
        multi_op_commits: 0.2,
        seq_holes: 0.05,
        ..WorldConfig::default()
    };
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        rate,
        limit: Some(frames),
        wait_for_client: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// A running `fanjet serve`.
pub(crate) struct Served {
    pub(crate) process: Process,
    /// `ws://host:port`.
    pub(crate) url: String,
    /// `host:port` of health and metrics.
    pub(crate) ops: String,
}

impl Served {
    /// Starts it on any port.
    pub(crate) async fn start(upstream: &SimulatorHandle, data: &Path) -> Self {
        Self::start_at(upstream, data, "127.0.0.1:0").await
    }

    /// Starts it and waits until it is ready: connected to the upstream, following its log.
    pub(crate) async fn start_at(upstream: &SimulatorHandle, data: &Path, listen: &str) -> Self {
        let settings = [
            ("embedded.path", data.display().to_string()),
            ("edge.http.listen", listen.to_owned()),
        ];
        Self::start_as(upstream, &settings, &[]).await
    }

    /// Starts it with settings and an environment, and waits as above.
    pub(crate) async fn start_as(
        upstream: &SimulatorHandle,
        settings: &[(&str, String)],
        env: &[(&str, &str)],
    ) -> Self {
        let served = Self::launch(upstream, settings, env).await;
        served.is_ready().await;
        served
    }

    /// Starts it with settings and an environment, and waits until it listens.
    pub(crate) async fn launch(
        upstream: &SimulatorHandle,
        settings: &[(&str, String)],
        env: &[(&str, &str)],
    ) -> Self {
        let program = fanjet(&["serve"]);
        Self::launch_program(program, upstream, settings, env).await
    }

    /// Starts it with a limit on open files, and waits until it is ready.
    pub(crate) async fn start_with_open_files(
        upstream: &SimulatorHandle,
        data: &Path,
        limit: u64,
    ) -> Self {
        let script = format!("ulimit -n {limit} && exec \"$@\"");
        let program = Program::new("/bin/sh")
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_fanjet"), "serve"])
            .clean_env();
        let settings = [("embedded.path", data.display().to_string())];
        let served = Self::launch_program(program, upstream, &settings, &[]).await;
        served.is_ready().await;
        served
    }

    async fn launch_program(
        program: Program,
        upstream: &SimulatorHandle,
        settings: &[(&str, String)],
        env: &[(&str, &str)],
    ) -> Self {
        let usual = [
            ("ingest.upstream.url", upstream.url()),
            ("ingest.upstream.name", "simulator".to_owned()),
            ("ingest.upstream.reconnect_min", "10ms".to_owned()),
            ("edge.http.listen", "127.0.0.1:0".to_owned()),
            ("ops.listen", "127.0.0.1:0".to_owned()),
        ];
        let set = usual
            .iter()
            .chain(settings)
            .flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
        let mut program = program.args(set);
        for (name, value) in env {
            program = program.env(name, value);
        }
        let process = program.start().unwrap();
        let ops = said(&process, "ops http://").await;
        let url = said(&process, "listening ").await;
        Self { process, url, ops }
    }

    /// Waits until it is ready, and leads.
    pub(crate) async fn is_ready(&self) {
        // A standby is ready, too, before it leads.
        let is_reading = |answer: &str| {
            answer.starts_with("HTTP/1.1 200") && answer.contains(r#""role":"leader""#)
        };
        let ready = async {
            while !is_reading(&self.get("/readyz").await) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.unwrap();
    }

    /// Waits until it is not ready and reports all of these reasons.
    pub(crate) async fn is_unready(&self, reasons: &[&str]) {
        let mut answer = String::new();
        let unready = async {
            loop {
                answer = self.get("/readyz").await;
                let says_all = reasons.iter().all(|reason| answer.contains(reason));
                if answer.starts_with("HTTP/1.1 503") && says_all {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, unready).await;
        assert!(in_time.is_ok(), "{answer}");
    }

    /// The newest acknowledged seq of the log.
    pub(crate) async fn log_seq(&self) -> u64 {
        self.metric("fanjet_ingest_log_seq ").await
    }

    /// Waits until the log has everything up to a frame that becomes an event.
    pub(crate) async fn relay_seq_reaches(&self, seq: u64) {
        let reaching = async {
            while self.metric("fanjet_ingest_relay_seq ").await < seq {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, reaching).await.unwrap();
    }

    /// Waits until the log has everything that the simulator has sent.
    pub(crate) async fn log_holds_all_of(&self, simulator: &SimulatorHandle) {
        let newest = simulator.expected().last().unwrap().relay_seq;
        self.relay_seq_reaches(newest).await;
    }

    /// Waits until this process has appended `events` more events. A log starts at a high seq, so its newest seq is not a
    /// count.
    pub(crate) async fn log_grows_by(&self, events: u64) {
        let begun = async {
            loop {
                match self.log_seq().await {
                    0 => tokio::time::sleep(POLL).await,
                    seq => return seq,
                }
            }
        };
        let first = tokio::time::timeout(PATIENCE, begun).await.unwrap();
        self.log_reaches(first + events).await;
    }

    /// The value of the first metric whose line starts with `name`.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        value.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
    }

    /// Waits until the log is acknowledged up to a seq.
    pub(crate) async fn log_reaches(&self, seq: u64) {
        let reaching = async {
            while self.log_seq().await < seq {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(PATIENCE, reaching).await.is_err() {
            panic!(
                "the log stands at {}, should reach {seq}",
                self.log_seq().await
            );
        }
    }

    /// Stops it and expects success.
    pub(crate) async fn stop(self) {
        let status = self.process.stop(PATIENCE).await.unwrap();
        assert!(status.success(), "{status}");
    }

    /// The response of the ops port to a GET.
    pub(crate) async fn get(&self, path: &str) -> String {
        get(&self.ops, path).await.unwrap()
    }
}

/// The response of an ops port, including its head.
pub(crate) async fn get(ops: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(ops).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The rest of the first line that starts with `word`.
pub(crate) async fn said(process: &Process, word: &str) -> String {
    let line = process
        .wait_for_line(|line| line.starts_with(word), PATIENCE)
        .await
        .unwrap();
    line[word.len()..].to_owned()
}

/// The exit code and all output.
pub(crate) async fn ended(process: &Process) -> (i32, Vec<String>) {
    let status = process.wait(PATIENCE).await.unwrap();
    // No line matches, so the search ends with the output.
    let searched = process.wait_for_line(|_| false, PATIENCE).await;
    searched.unwrap_err();
    (status.code().unwrap(), process.lines())
}

/// Waits for a fact.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(POLL).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "never came true: {what}");
}

/// The v1 JSON of the events that `is_wanted`; `time_us` is 0.
pub(crate) fn expected_json(
    simulator: &SimulatorHandle,
    is_wanted: impl Fn(&ExpectedEvent) -> bool,
) -> Vec<String> {
    let expected = simulator.expected();
    let wanted = expected.iter().filter(|event| is_wanted(event));
    wanted.filter_map(|event| event.v1_json(0)).collect()
}

/// Asserts that each event occurs once, in order, byte for byte except for `time_us`, which rises.
pub(crate) fn assert_same_events(got: &[String], expected: &[String], seed: u64) {
    let mut last = 0;
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        compare(expected, got)
            .unwrap_or_else(|error| panic!("seed {seed}, event {index}: {error:#}"));
        let time = time_us(got);
        assert!(
            time > last,
            "seed {seed}, event {index}: {time} behind {last}"
        );
        last = time;
    }
    assert_eq!(got.len(), expected.len(), "seed {seed}");
}

pub(crate) fn time_us(event: &str) -> u64 {
    let (_, rest) = event.split_once("\"time_us\":").unwrap();
    rest.split(',').next().unwrap().parse().unwrap()
}

/// Compares the folder of an exited process with everything that the simulator published.
pub(crate) async fn assert_log_equals_world(data: &Path, simulator: &SimulatorHandle, seed: u64) {
    let entries = entries(data).await;
    let expected = simulator.expected();
    let mut last_time = 0;
    for (entry, expected) in entries.iter().zip(&expected) {
        let at = format!("seed {seed}, seq {}", entry.seq);
        let time_us = entry.time().unwrap().get();
        assert!(time_us > last_time, "{at}: log time does not rise");
        last_time = time_us;
        let origin = &entry.origin;
        assert_eq!(
            (origin.relay_seq, origin.op_index, origin.op_count),
            (expected.relay_seq, expected.op_index, expected.op_count),
            "{at}"
        );
        if let Some(json) = expected.v1_json(time_us) {
            assert_eq!(std::str::from_utf8(&entry.body).unwrap(), json, "{at}");
        }
    }
    assert_eq!(entries.len(), expected.len(), "seed {seed}");
}

pub(crate) async fn entries(data: &Path) -> Vec<Entry> {
    let config = EmbeddedConfig::in_folder(data);
    let log = EmbeddedLog::open(config, Arc::new(SystemClock))
        .await
        .unwrap();
    whole(&log).await
}
