//! Frames of the live network.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_testkit::Corpus;
use fanjet_verify::{Inversion, Opened, signing_key};

#[test]
fn real_commits_are_proven() {
    let Some(corpus) = Corpus::from_env().unwrap() else {
        return;
    };
    let (mut commits, mut proven, mut signed, mut without_key) = (0, 0, 0, 0);
    for (index, frame) in corpus.frames.iter().enumerate() {
        let Frame::Commit(commit) = decode_frame(frame).unwrap() else {
            continue;
        };
        commits += 1;
        let opened = Opened::commit(&commit).unwrap_or_else(|e| panic!("frame {index}: {e}"));
        match corpus.did_documents.get(commit.repo) {
            Some(document) => {
                let key = signing_key(commit.repo, document.as_bytes()).unwrap();
                opened
                    .check_signature(&key)
                    .unwrap_or_else(|e| panic!("frame {index}: {e}"));
                signed += 1;
            }
            None => without_key += 1,
        }
        match opened.undo(&commit) {
            Ok(Inversion::Proven) => proven += 1,
            Ok(Inversion::Unverifiable) => assert!(commit.prev_data.is_none()),
            Err(refusal) => panic!("frame {index}: {refusal}"),
        }
    }
    println!(
        "{commits} commits: {proven} with prevData, all proven; {signed} signatures good, {without_key} without a key"
    );
    assert!(proven > 0);
}
