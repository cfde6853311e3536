//! Both decoders on the same bytes.

use super::frame::{Blocks, read_car};
use super::value::Value;
use super::{Refusal, SlowFrame, SlowOperation, read_frame, record_json, repo};
use crate::car::Sections;
use crate::{
    CarError, Claim, Frame, OpError, OpenCommit, Operation, decode_frame, write_record_json,
};
use fanjet_event::Cid;

/// iroh-car's bound on a section.
const IROH_MAX_SECTION: usize = 4 << 20;

/// Compares both results for a record.
///
/// # Errors
/// A description, when they disagree in a way that is not listed in the crate's documentation.
pub fn compare_record(record: &[u8]) -> Result<(), String> {
    let mut out = b"kept".to_vec();
    let fast = write_record_json(record, &mut out);
    match (fast, record_json(record)) {
        (Ok(()), Ok(slow)) if out[4..] == slow => Ok(()),
        (Ok(()), Err(Refusal::NotUtf8)) if std::str::from_utf8(&out).is_ok() => Ok(()),
        (Err(_), Err(_)) if out == b"kept" => Ok(()),
        (fast, slow) => Err(format!(
            "record {record:02x?}\nfast: {fast:?} {}\nslow: {:?}",
            String::from_utf8_lossy(&out),
            slow.map(|json| String::from_utf8_lossy(&json).into_owned())
        )),
    }
}

/// Compares both results for a CAR: the blocks under blessed CIDs, in order.
///
/// # Errors
/// A description, when they disagree in a way that is not listed in the crate's documentation.
pub fn compare_car(car: &[u8]) -> Result<(), String> {
    let fast = blocks(car);
    let slow = read_car(car);
    let agree = match (&fast, &slow) {
        (Ok(fast), Ok((slow, None))) => *fast == blessed(slow),
        (Ok(fast), Ok((slow, Some(_)))) => {
            fast.starts_with(&blessed(slow)) && is_foreign_or_huge(car, slow.len())
        }
        (Err(CarError::InvalidHeader), Ok(_)) => !is_strict_header(car),
        (Err(error), Ok((_, None))) => is_lax_length(*error, car),
        (Err(_), Ok((_, Some(_))) | Err(_)) => true,
        (Ok(_), Err(_)) => false,
    };
    if agree {
        Ok(())
    } else {
        Err(format!("CAR {car:02x?}\nfast: {fast:?}\nslow: {slow:?}"))
    }
}

/// Compares both results for a frame, its CAR, its operations and their records.
///
/// # Errors
/// A description, when they disagree in a way that is not listed in the crate's documentation.
pub fn compare_frame(bytes: &[u8]) -> Result<(), String> {
    let (fast, slow) = match (decode_frame(bytes), read_frame(bytes)) {
        (Ok(fast), Ok(slow)) => (fast, slow),
        (Err(_), Err(_)) => return Ok(()),
        (fast, slow) => return Err(format!("fast: {fast:?}\nslow: {slow:?}")),
    };
    let (kind, mut fields, blocks) = describe(&fast);
    let mut expected = slow.fields.clone();
    fields.sort();
    expected.sort();
    if kind != slow.kind || fields != expected || blocks != slow.blocks {
        return Err(format!("fast: {fast:?}\nslow: {slow:?}"));
    }
    match fast {
        Frame::Commit(commit) => compare_operations(&commit, &slow),
        _ => Ok(()),
    }
}

fn compare_operations(commit: &crate::Commit<'_>, slow: &SlowFrame) -> Result<(), String> {
    compare_car(commit.blocks)?;
    let (open, blocks) = match (commit.open(), blocks(commit.blocks)) {
        (Ok(open), Ok(blocks)) => (open, blocks),
        (Err(_), Err(_)) => return Ok(()),
        _ => return Err("operations and blocks disagree on the CAR".to_owned()),
    };
    compare_proof(&open, commit.blocks, slow, &blocks)?;
    let slow = slow.operations_in(&blocks);
    let fast: Vec<_> = open.operations().collect();
    if fast.len() != slow.len() || fast.len() != commit.op_count() as usize {
        return Err(format!("{} and {} operations", fast.len(), slow.len()));
    }
    for (place, ((index, fast), slow)) in fast.into_iter().zip(slow).enumerate() {
        if index as usize != place {
            return Err(format!("operation {place} has index {index}"));
        }
        compare_operation(fast, slow)?;
    }
    Ok(())
}

/// Compares both results for the tree, under every path of an operation, with the operation's record and without one.
fn compare_proof(
    open: &OpenCommit<'_>,
    car: &[u8],
    slow: &SlowFrame,
    blocks: &Blocks,
) -> Result<(), String> {
    let operations: Vec<_> = open.operations().filter_map(|(_, op)| op.ok()).collect();
    let claimed: Vec<(String, Option<Cid>)> = operations
        .iter()
        .flat_map(|op| {
            let record = op.content.map(|content| content.cid);
            [(op.path.to_owned(), record), (op.path.to_owned(), None)]
        })
        .collect();
    let mut claims: Vec<_> = claimed
        .iter()
        .map(|(path, record)| Claim::new(path, *record))
        .collect();
    let root = Sections::open(car).ok().and_then(|(_, root)| root);
    let fast = open.prove(&mut claims);
    let verdicts: Vec<_> = claims
        .iter()
        .map(|claim| claim.verdict().map_err(|error| error.label()))
        .collect();
    match (fast, repo::prove(slow, root, blocks, &claimed)) {
        (Err(_), Err(())) | (Ok(()), Ok(None)) => Ok(()),
        (Ok(()), Ok(Some(slow))) if verdicts == slow => Ok(()),
        (fast, slow) => Err(format!(
            "{claimed:?}\nfast: {fast:?} {verdicts:?}\nslow: {slow:?}"
        )),
    }
}

fn compare_operation(
    fast: Result<Operation<'_>, OpError>,
    slow: Result<SlowOperation, &'static str>,
) -> Result<(), String> {
    let disagree = || Err(format!("fast: {fast:?}\nslow: {slow:?}"));
    match (&fast, &slow) {
        (Ok(fast), Ok(slow)) => {
            if fast.action.as_str() != slow.action
                || format!("{}/{}", fast.collection, fast.rkey) != slow.path
            {
                return disagree();
            }
            match (&fast.content, &slow.content) {
                (None, None) => Ok(()),
                (Some(fast), Some(slow)) if fast.cid == slow.cid && fast.record == slow.record => {
                    compare_record(fast.record)
                }
                _ => disagree(),
            }
        }
        (Err(fast), Err(slow)) if fast.label() == *slow => Ok(()),
        _ => disagree(),
    }
}

type Described<'a> = (&'a str, Vec<(&'static str, String)>, &'a [u8]);

fn describe<'a>(frame: &Frame<'a>) -> Described<'a> {
    let mut fields = Vec::new();
    let mut put = |key, value: Option<&str>| {
        fields.extend(value.map(|value| (key, value.to_owned())));
    };
    let (kind, blocks): (&str, &[u8]) = match frame {
        Frame::Commit(commit) => {
            put("repo", Some(commit.repo));
            put("rev", Some(commit.rev));
            put("since", commit.since);
            put("time", Some(commit.time));
            put("tooBig", Some(&commit.too_big.to_string()));
            put(
                "commit",
                commit.commit.map(|cid| cid.to_string()).as_deref(),
            );
            let prev_data = commit.prev_data.map(|cid| cid.to_string());
            put("prevData", prev_data.as_deref());
            ("#commit", commit.blocks)
        }
        Frame::Identity(identity) => {
            put("did", Some(identity.did));
            put("time", Some(identity.time));
            put("handle", identity.handle);
            ("#identity", &[])
        }
        Frame::Account(account) => {
            put("did", Some(account.did));
            put("time", Some(account.time));
            put("active", Some(&account.active.to_string()));
            put("status", account.status);
            ("#account", &[])
        }
        Frame::Sync(sync) => {
            put("did", Some(sync.did));
            put("rev", Some(sync.rev));
            put("time", Some(sync.time));
            ("#sync", sync.blocks)
        }
        Frame::Info(info) => {
            put("name", Some(info.name));
            put("message", info.message);
            ("#info", &[])
        }
        Frame::Error(error) => {
            put("error", Some(error.error));
            put("message", error.message);
            ("error", &[])
        }
        Frame::Unknown(unknown) => (unknown.kind, &[]),
    };
    put("seq", frame.seq().map(|seq| seq.to_string()).as_deref());
    (kind, fields, blocks)
}

/// The fast reader's blocks.
fn blocks(car: &[u8]) -> Result<Blocks, CarError> {
    let (mut sections, _root) = Sections::open(car)?;
    let mut blocks = Vec::new();
    while let Some((cid, block)) = sections.next_block()? {
        blocks.push((cid.to_vec(), block.to_vec()));
    }
    Ok(blocks)
}

fn blessed(blocks: &Blocks) -> Blocks {
    blocks
        .iter()
        .filter(|(cid, _)| fanjet_event::Cid::from_bytes(cid).is_some())
        .cloned()
        .collect()
}

/// Whether the section where iroh-car stopped is one that only iroh-car parses.
fn is_foreign_or_huge(car: &[u8], number: usize) -> bool {
    let Ok((mut sections, _root)) = Sections::open(car) else {
        return false;
    };
    for _ in 0..number {
        if !matches!(sections.section(), Ok(Some(_))) {
            return false;
        }
    }
    let Ok(Some(section)) = sections.section() else {
        return false;
    };
    let cid = section.get(..fanjet_event::Cid::LEN).unwrap_or_default();
    section.len() > IROH_MAX_SECTION || fanjet_event::Cid::from_bytes(cid).is_none()
}

/// Whether the header is DAG-CBOR without duplicate keys, as the fast reader requires.
fn is_strict_header(car: &[u8]) -> bool {
    let Ok(Some(header)) = Sections::unopened(car).section() else {
        return false;
    };
    let Ok(Value::Map(entries)) = serde_ipld_dagcbor::from_slice(header) else {
        return false;
    };
    let count = |key: &str| entries.iter().filter(|(have, _)| have == key).count();
    count("roots") == 1 && count("version") == 1
}

/// Whether only the fast reader rejects the CAR's section lengths: iroh-car takes a truncated last length for the end,
/// and truncates lengths to 64 bits.
fn is_lax_length(error: CarError, car: &[u8]) -> bool {
    let ends_in_length = car.last().is_some_and(|byte| byte & 0x80 != 0);
    match error {
        CarError::Truncated => ends_in_length,
        CarError::InvalidLength => true,
        _ => false,
    }
}
