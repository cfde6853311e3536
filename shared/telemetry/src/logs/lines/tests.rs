use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::with_default;
use tracing::{debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use super::*;
use crate::logs::limit::BURST;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The output of a log call.
fn written(format: LogFormat, log: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("debug"))
        .with_ansi(false)
        .event_format(Lines::new(format))
        .with_writer(move || writer.clone());
    with_default(lines.finish(), log);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The same without the time.
pub(crate) fn text(log: impl FnOnce()) -> String {
    let line = written(LogFormat::Text, log);
    line.split_once(' ').unwrap().1.to_owned()
}

fn json(log: impl FnOnce()) -> Value {
    serde_json::from_str(&written(LogFormat::Json, log)).unwrap()
}

const FORGED: &str = "x\n2026-01-01T00:00:00Z ERROR fanjet: all is lost\u{1b}[31m\u{9b}2J\u{202e}";

#[test]
fn a_line_says_what_it_said_before() {
    let error = io::Error::other("no such place");
    let log = || warn!(seq = 5, name = "a b", is = true, share = 0.5, %error, "failed");
    assert_eq!(
        text(log),
        " WARN fanjet_telemetry::logs::lines::tests: failed seq=5 name=\"a b\" is=true share=0.5 error=\"no such place\"\n"
    );
    let line = json(log);
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "failed");
    assert_eq!(line["target"], "fanjet_telemetry::logs::lines::tests");
    assert_eq!((&line["seq"], &line["is"]), (&5.into(), &true.into()));
    assert_eq!(line["error"], "no such place");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
}

#[test]
fn words_of_strangers_stay_where_they_belong() {
    let log = || warn!(name = FORGED, said = %FORGED, shown = ?Some(FORGED), "reported {FORGED}");
    let line = text(log);
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    assert!(!line.trim_end().contains(fanjet_output::is_unprintable));
    let line = written(LogFormat::Json, log);
    assert!(!line.trim_end().contains(fanjet_output::is_unprintable));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["name"], FORGED);
    assert_eq!(line["said"], FORGED);
    assert_eq!(line["level"], "WARN");
}

#[test]
fn a_field_never_takes_the_name_of_another() {
    let message = "fine";
    let line = json(|| warn!(message, level = "info", "info frame from the upstream"));
    assert_eq!(line["message"], "info frame from the upstream");
    assert_eq!(line["message_"], "fine");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["level_"], "info");
    let line = text(|| warn!(message, "info frame from the upstream"));
    assert!(
        line.ends_with(": info frame from the upstream message_=\"fine\"\n"),
        "{line}"
    );
}

#[test]
fn a_long_word_makes_no_long_line() {
    let long = "é\n".repeat(1 << 20);
    for format in [LogFormat::Text, LogFormat::Json] {
        let line = written(format, || error!(long, again = %long, more = 5, "{long}"));
        assert!(line.len() <= fanjet_output::LONGEST, "{}", line.len());
        assert_eq!(line.matches('\n').count(), 1);
        if format == LogFormat::Json {
            serde_json::from_str::<Value>(&line).unwrap();
        }
    }
}

#[test]
fn passwords_are_not_logged() {
    let url = "wss://me:secret@host/";
    for format in [LogFormat::Text, LogFormat::Json] {
        let line = written(format, || warn!(url, "{url} failed: {:?}", Some(url)));
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn a_flood_is_cut_and_counted_and_lines_that_somebody_asked_for_are_not() {
    let flood = |line: fn()| written(LogFormat::Text, || (0..1000).for_each(|_| line()));
    assert_eq!(flood(|| info!("again")).lines().count(), BURST as usize);
    assert_eq!(flood(|| debug!("again")).lines().count(), 1000);
}

#[test]
fn lines_of_libraries_that_use_the_log_crate_have_places_too() {
    let lines = written(LogFormat::Text, || {
        for _ in 0..1000 {
            let record = tracing_log::log::Record::builder()
                .args(format_args!("from afar"))
                .level(tracing_log::log::Level::Warn)
                .target("library")
                .file(Some("a.rs"))
                .line(Some(1))
                .build();
            tracing_log::format_trace(&record).unwrap();
        }
        warn!("from here");
    });
    assert_eq!(lines.lines().count(), BURST as usize + 1, "{lines}");
    assert!(lines.contains(" WARN library: from afar\n"), "{lines}");
}
