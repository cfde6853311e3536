//! The README's first command.

use tokio::sync::Mutex;

use crate::harness::{ended, fanjet};

/// Held while a demo runs. Two that start at once may both find the default port free, and then one of them exits.
pub(crate) static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_the_requested_events_exits_with_success_and_leaves_no_files() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let demo = fanjet(&["demo", "--rate", "200", "--events", "5"])
        .env("TMPDIR", folder.path())
        .start()
        .unwrap();
    let (code, lines) = ended(&demo).await;
    assert_eq!(code, 0, "{lines:?}");
    let events = lines.iter().filter(|line| line.contains("  did:"));
    assert_eq!(events.count(), 5, "{lines:?}");
    for start in [
        "listening ws://127.0.0.1:",
        "try /",
        "try curl -N 'http://127.0.0.1:",
        "see http://127.0.0.1:",
        "stop ctrl-c",
        "5 events in ",
    ] {
        let said = lines.iter().any(|line| line.starts_with(start));
        assert!(said, "{start}: {lines:?}");
    }
    let warned = lines.iter().any(|line| line.contains("ulimit"));
    assert!(!warned, "{lines:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
