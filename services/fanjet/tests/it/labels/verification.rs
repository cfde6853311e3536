//! What is checked of a labeler's labels, and what happens to a frame with one that fails.

use std::time::Duration;

use fanjet_simulator::LabelSpec;

use super::count;
use super::network::{Network, appended, frames};
use crate::harness::PATIENCE;

/// Labels that are wrong: of another labeler, too long, signed by no key or another one. What is odd but right passes.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_labels_are_refused_with_their_frame() {
    let network = Network::start(1).await;
    let labeler = &network.labelers[0];
    let label = || LabelSpec::numbered(7);
    let right = [
        LabelSpec {
            has_more: true,
            ..label()
        },
        LabelSpec {
            val: "v".repeat(128),
            ..label()
        },
    ];
    let wrong = [
        LabelSpec {
            src: Some("did:plc:another".to_owned()),
            ..label()
        },
        LabelSpec {
            val: "v".repeat(129),
            ..label()
        },
        LabelSpec {
            is_bad: true,
            ..label()
        },
        LabelSpec {
            is_short: true,
            ..label()
        },
        LabelSpec {
            is_high: true,
            ..label()
        },
        LabelSpec {
            is_of_account: true,
            ..label()
        },
    ];
    let mut expected = Vec::new();
    for (right, wrong) in right.iter().cycle().zip(&wrong) {
        expected.push(labeler.publish(std::slice::from_ref(right)));
        // All of a frame, or nothing.
        labeler.publish(&[label(), wrong.clone()]);
    }
    let served = network.serve(&[("labels.verify", "enforce")]).await;
    appended(&served, labeler, 6).await;
    let path = format!("{}?cursor=0", network.single(0));
    assert_eq!(frames(&served, &path, expected.len()).await, expected);
    let metrics = served.get("/metrics").await;
    for (reason, count) in [("wrong_src", 1), ("invalid_value", 1), ("bad_signature", 4)] {
        let line = metrics.lines().find(|line| {
            line.starts_with("fanjet_labeler_refused_frames_total")
                && line.contains(&format!("reason=\"{reason}\""))
        });
        let line = line.unwrap_or_else(|| panic!("{reason}: {metrics}"));
        assert!(line.ends_with(&format!(" {count}")), "{line}");
    }
    served.stop().await;
}

/// The first label that fails under the old key has the document read again.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_in_the_document_is_used() {
    let network = Network::start(1).await;
    let labeler = &network.labelers[0];
    let served = network.serve(&[("labels.verify", "enforce")]).await;
    let mut expected = vec![labeler.publish(&[LabelSpec::numbered(1)])];
    appended(&served, labeler, 1).await;
    labeler.rotate_key();
    expected.push(labeler.publish(&[LabelSpec::numbered(2)]));
    let path = format!("{}?cursor=0", network.single(0));
    assert_eq!(frames(&served, &path, 2).await, expected);
    served.stop().await;
}

/// The document was just read because of another label, so it is read again only a minute later; then what the old key refused is
/// requested again. A thousand labels that fail cause no more look-ups than one.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_used_however_shortly_after_another_failure() {
    let network = Network::start(1).await;
    let labeler = &network.labelers[0];
    let served = network.serve(&[("labels.verify", "enforce")]).await;
    let mut expected = vec![labeler.publish(&[LabelSpec::numbered(1)])];
    appended(&served, labeler, 1).await;
    let bad = LabelSpec {
        is_bad: true,
        ..LabelSpec::numbered(2)
    };
    for _ in 0..1_000 {
        labeler.publish(std::slice::from_ref(&bad));
    }
    let refused = async {
        let name = "fanjet_labeler_refused_frames_total";
        while count(&served, name, "bad_signature").await < 1_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    labeler.rotate_key();
    expected.push(labeler.publish(&[LabelSpec::numbered(3)]));
    let path = format!("{}?cursor=0", network.single(0));
    assert_eq!(frames(&served, &path, 2).await, expected);
    let look_ups = count(&served, "fanjet_labeler_document_lookups_total", "").await;
    // Two connections, the first failure, the minute after it, and the first failure of the second connection.
    assert!(look_ups <= 5, "{look_ups}");
    served.stop().await;
}

/// A bad signature passes with `off`, which looks nothing up for it, and with `log`, which counts it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signature_passes_unless_it_is_enforced() {
    for (verify, bad) in [("off", 0), ("log", 1)] {
        let network = Network::start(1).await;
        let labeler = &network.labelers[0];
        let wrong = LabelSpec {
            is_bad: true,
            ..LabelSpec::numbered(1)
        };
        let expected = [
            labeler.publish(&[wrong]),
            labeler.publish(&[LabelSpec::numbered(2)]),
        ];
        let at = format!("{}={}", labeler.did(), labeler.url());
        let settings = [("labels.verify", verify), ("labels.labelers", &at)];
        let served = network.serve(&settings).await;
        let path = format!("{}?cursor=0", network.single(0));
        assert_eq!(frames(&served, &path, 2).await, expected);
        appended(&served, labeler, 2).await;
        let counted = count(&served, "fanjet_labeler_signatures_total", "result=\"bad\"").await;
        let look_ups = count(&served, "fanjet_labeler_document_lookups_total", "").await;
        assert_eq!((counted, look_ups > 0), (bad, verify == "log"), "{verify}");
        served.stop().await;
    }
}
