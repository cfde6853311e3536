//! Nobody takes what the process says.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, pipe};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use fanjet_output::Channel;
use fanjet_simulator::Rate;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{PATIENCE, Served, get, simulator};

const SEED: u64 = 71;

/// What stdout or stderr leads to.
#[derive(Debug, Clone, Copy)]
enum Sink {
    /// A disk without room.
    Full,
    /// A pipe whose reader is gone.
    Gone,
    /// A pipe that is full, and whose reader reads nothing.
    Still,
}

impl Sink {
    /// It, and what must live as long as it shall stay so.
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
        // It may have ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An upstream that is away is told of again and again.
#[tokio::test]
async fn a_process_outlives_the_readers_of_its_lines() {
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
            // Its lines on stdout are three, so some of these were for stderr.
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

/// Whoever waits for the end of a process that cannot start learns it from its exit code.
#[tokio::test]
async fn a_start_that_fails_ends_although_nobody_is_told_why() {
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

fn lost(metrics: &str) -> u64 {
    let name = "fanjet_process_lost_lines_total{reason=\"unwritable\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.parse().unwrap())
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// They are the strangers' faults: whoever sends many would fill the disk.
#[tokio::test]
async fn a_broken_request_is_no_line() {
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
            // It may be closed before all was sent.
            drop(stream.write_all(request.as_bytes()).await);
            drop(stream.shutdown().await);
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    }
    let status = served.process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    let lines = served.process.lines();
    let is_told = |line: &&String| line.contains("ERROR") || line.contains("actix_http");
    let told = lines.iter().filter(is_told);
    assert_eq!(told.count(), 0, "{}", lines.join("\n"));
}
