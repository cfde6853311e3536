//! Real frames against what production Jetstream v1 served for them, byte for byte.
//!
//! The captured data is not part of the repository: set `FANJET_CORPUS` to a folder with `frames.bin.zst` and
//! `expected_v1.jsonl`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

#[path = "support/corpus.rs"]
mod corpus;

use corpus::Corpus;
use fanjet_firehose::{Claim, Commit, Frame, decode_frame, write_record_json};
use fanjet_json::{write_str, write_u64};

#[test]
fn real_frames_become_the_lines_of_production_v1() {
    let Some(corpus) = Corpus::load() else {
        return;
    };
    let mut lines = Vec::new();
    for frame in &corpus.frames {
        push_lines(frame, &mut lines);
    }
    let expected: Vec<String> = corpus.expected.lines().map(without_time_us).collect();
    for (index, (line, expected)) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(line, expected, "line {}", index + 1);
    }
    assert_eq!(lines.len(), expected.len());
    println!("{} lines equal", lines.len());
}

/// Every real frame, whole, through both decoders.
#[test]
fn real_frames_are_read_alike_by_the_oracle() {
    let Some(corpus) = Corpus::load() else {
        return;
    };
    for frame in &corpus.frames {
        fanjet_firehose::oracle::compare_frame(frame).unwrap();
    }
}

/// What production served, it had found in the repo's tree.
#[test]
fn every_real_operation_is_proven_by_its_frame() {
    let Some(corpus) = Corpus::load() else {
        return;
    };
    for frame in &corpus.frames {
        let Ok(Frame::Commit(commit)) = decode_frame(frame) else {
            continue;
        };
        let open = commit.open().unwrap();
        let operations = open.operations().map(|(_, operation)| operation.unwrap());
        let mut claims: Vec<_> = operations
            .map(|operation| {
                let record = operation.content.map(|content| content.cid);
                Claim::new(operation.path, record)
            })
            .collect();
        open.prove(&mut claims).unwrap();
        for claim in claims {
            assert_eq!(claim.verdict(), Ok(()), "{claim:?}");
        }
    }
}

fn push_lines(frame: &[u8], lines: &mut Vec<String>) {
    match decode_frame(frame).unwrap() {
        Frame::Commit(commit) => {
            let open = commit.open().unwrap();
            for (_, operation) in open.operations() {
                lines.push(commit_line(&commit, &operation.unwrap()));
            }
        }
        Frame::Identity(identity) => {
            let mut out = head(identity.did, "identity");
            out.extend_from_slice(br#","identity":{"did":"#);
            write_str(&mut out, identity.did);
            if let Some(handle) = identity.handle {
                member(&mut out, "handle", handle);
            }
            seq_and_time(&mut out, identity.seq, None, identity.time);
            lines.push(String::from_utf8(out).unwrap());
        }
        Frame::Account(account) => {
            let mut out = head(account.did, "account");
            out.extend_from_slice(
                format!(r#","account":{{"active":{}"#, account.active).as_bytes(),
            );
            member(&mut out, "did", account.did);
            seq_and_time(&mut out, account.seq, account.status, account.time);
            lines.push(String::from_utf8(out).unwrap());
        }
        Frame::Sync(_) | Frame::Info(_) => {}
        other => panic!("not expected in the corpus: {other:?}"),
    }
}

fn commit_line(commit: &Commit<'_>, operation: &fanjet_firehose::Operation<'_>) -> String {
    let mut out = head(commit.repo, "commit");
    out.extend_from_slice(br#","commit":{"rev":"#);
    write_str(&mut out, commit.rev);
    member(&mut out, "operation", operation.action.as_str());
    member(&mut out, "collection", operation.collection);
    member(&mut out, "rkey", operation.rkey);
    if let Some(content) = operation.content {
        out.extend_from_slice(br#","record":"#);
        write_record_json(content.record, &mut out).unwrap();
        member(&mut out, "cid", &content.cid.to_string());
    }
    out.extend_from_slice(b"}}");
    String::from_utf8(out).unwrap()
}

fn head(did: &str, kind: &str) -> Vec<u8> {
    let mut out = br#"{"did":"#.to_vec();
    write_str(&mut out, did);
    member(&mut out, "kind", kind);
    out
}

fn member(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b',');
    write_str(out, key);
    out.push(b':');
    write_str(out, value);
}

fn seq_and_time(out: &mut Vec<u8>, seq: u64, status: Option<&str>, time: &str) {
    out.extend_from_slice(br#","seq":"#);
    write_u64(out, seq);
    if let Some(status) = status {
        member(out, "status", status);
    }
    member(out, "time", time);
    out.extend_from_slice(b"}}");
}

/// An expected line without `time_us`, which every server assigns for itself.
fn without_time_us(line: &str) -> String {
    let (before, rest) = line.split_once(r#","time_us":"#).unwrap();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    format!("{before}{}", &rest[digits..])
}
