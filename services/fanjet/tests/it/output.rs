//! Stdout and stderr that cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, pipe};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use fanjet_output::Channel;
use fanjet_simulator::Rate;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::demo::ONE_AT_A_TIME;
use crate::harness::{PATIENCE, Served, eventually, get, simulator};

const SEED: u64 = 71;

/// The target of stdout or stderr.
#[derive(Debug, Clone, Copy)]
enum Sink {
    /// A full disk.
    Full,
    /// A pipe whose reader has exited.
    Gone,
    /// A full pipe whose reader reads nothing.
    Still,
}

impl Sink {
    /// Opens it. The second value must live as long as the sink is in use.
    fn open(self) -> (Stdio, Option<PipeReader>) {
        match self {
            Self::Full => (writable("/dev/full").into(), None),
            Self::Gone => (pipe().unwrap().1.into(), None),
            Self::Still => {
                let (reader, writer) = pipe().unwrap();
                let channel = Channel::to(&writer);
                while channel.lost() == 0 {
                    channel.write(&[b'x'; 4096]);
                }
                (writer.into(), Some(reader))
            }
        }
    }
}

fn writable(path: &str) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

/// Kills it if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have exited.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The upstream is unreachable, so the process writes lines again and again.
#[tokio::test]
async fn a_process_survives_the_readers_of_its_output() {
    for sink in [Sink::Full, Sink::Gone, Sink::Still] {
        let data = tempfile::tempdir().unwrap();
        let ops = free_address();
        let set = [
            format!("embedded.path={}", data.path().display()),
            format!("ops.listen={ops}"),
            "edge.http.listen=127.0.0.1:0".to_owned(),
            format!("ingest.upstream.url=ws://{}", free_address()),
            "ingest.upstream.reconnect_min=1ms".to_owned(),
            "ingest.upstream.reconnect_max=10ms".to_owned(),
        ];
        let ((stdout, _out), (stderr, _err)) = (sink.open(), sink.open());
        let process = Command::new(env!("CARGO_BIN_EXE_fanjet"))
            .env_clear()
            .arg("serve")
            .args(set.iter().flat_map(|set| ["--set", set]))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut process = Running(process);
        let counted = async {
            // It writes three lines to stdout, so some of these were for stderr.
            while lost(&get(&ops, "/metrics").await.unwrap_or_default()) < 10 {
                let ended = process.0.try_wait().unwrap();
                assert!(ended.is_none(), "{sink:?}: {ended:?}");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.unwrap();
        kill_process(Pid::from_child(&process.0), Signal::TERM).unwrap();
        let ended = tokio::task::spawn_blocking(move || process.0.wait().unwrap());
        let ended = tokio::time::timeout(PATIENCE, ended)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.code(), Some(0), "{sink:?}");
    }
}

/// Without a reader of its output, the exit code is all that a supervisor gets.
#[tokio::test]
async fn a_failed_start_exits_even_if_its_error_cannot_be_written() {
    for (args, code) in [
        (&["serve", "--set", "log.kind=paper"][..], 78),
        (&["serve", "--bogus"], 2),
        (&["bogus"], 2),
        (&["tail", "ftp://host"], 2),
        (&[], 2),
    ] {
        for sink in [Sink::Full, Sink::Gone, Sink::Still] {
            let ((stdout, _out), (stderr, _err)) = (sink.open(), sink.open());
            let process = tokio::process::Command::new(env!("CARGO_BIN_EXE_fanjet"))
                .env_clear()
                .args(args)
                .stdout(stdout)
                .stderr(stderr)
                .kill_on_drop(true)
                .status();
            let ended = tokio::time::timeout(PATIENCE, process).await;
            let ended = ended.unwrap_or_else(|_| panic!("{args:?} does not end: {sink:?}"));
            assert_eq!(ended.unwrap().code(), Some(code), "{args:?} {sink:?}");
        }
    }
}

/// A pipe that is not read must delay neither the help nor the end of a demo, which prints events with blocking writes.
#[tokio::test(flavor = "multi_thread")]
async fn help_and_a_stopped_demo_exit_although_their_output_is_not_read() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    for (args, is_help) in [
        (&["--help"][..], true),
        (&["serve", "--help"], true),
        (&["demo", "--rate", "300"], false),
    ] {
        let (stdout, _out) = Sink::Still.open();
        let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_fanjet"))
            .env_clear()
            .env("TMPDIR", folder.path())
            .args(args)
            .stdout(stdout)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        if !is_help {
            // Hundreds of events are in its log by then, and the first one blocks the printing.
            let has_events = || {
                let folders = std::fs::read_dir(folder.path()).unwrap();
                let mut files =
                    folders.flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap());
                files.any(|it| it.unwrap().metadata().is_ok_and(|it| it.len() > 100_000))
            };
            eventually("the demo has events", has_events).await;
            let pid = i32::try_from(process.id().unwrap()).unwrap();
            kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        }
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{args:?} does not exit"));
        assert_eq!(ended.unwrap().code(), Some(0), "{args:?}");
    }
}

fn lost(metrics: &str) -> u64 {
    let name = "fanjet_process_lost_lines_total{reason=\"unwritable\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.parse().unwrap())
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Malformed requests are the clients' faults, and a line for each could fill the disk.
#[tokio::test]
async fn a_malformed_request_writes_no_log_line() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(SEED, 10, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    let listening = served.url.strip_prefix("ws://").unwrap();
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(200_000));
    for request in [
        "\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        &long,
    ] {
        for address in [listening, &served.ops] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The server may close the connection before all is sent.
            drop(stream.write_all(request.as_bytes()).await);
            drop(stream.shutdown().await);
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    }
    let status = served.process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    let lines = served.process.lines();
    let is_about_it = |line: &&String| line.contains("ERROR") || line.contains("actix_http");
    let written = lines.iter().filter(is_about_it);
    assert_eq!(written.count(), 0, "{}", lines.join("\n"));
}
