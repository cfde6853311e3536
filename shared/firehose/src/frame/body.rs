//! Header and bodies, key by key.

use std::ops::Range;

use super::kinds::{Account, ErrorFrame, Identity, Info, Sync, Unknown};
use crate::cbor::{CborError, Item, Reader};
use crate::commit::Commit;
use crate::error::FrameError;
use crate::ops::Ops;

pub(crate) struct Header<'a> {
    pub(crate) op: i64,
    pub(crate) kind: Option<&'a str>,
}

impl<'a> Header<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, FrameError> {
        let (mut op, mut kind) = (None, None);
        each_key(reader, "header", |key, reader| {
            match key {
                b"op" => put(&mut op, "op", integer(reader.item()?))?,
                b"t" => put(&mut kind, "t", reader.item()?.nullable(Item::text))?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            op: op.ok_or(FrameError::Missing("op"))?,
            kind: kind.flatten(),
        })
    }
}

pub(super) fn commit<'a>(reader: &mut Reader<'a>) -> Result<Commit<'a>, FrameError> {
    let (mut seq, mut repo, mut rev, mut since, mut time) = (None, None, None, None, None);
    let (mut too_big, mut commit, mut prev_data, mut blocks, mut ops) =
        (None, None, None, None, None);
    each_key(reader, "body", |key, reader| {
        match key {
            b"seq" => put(&mut seq, "seq", reader.item()?.unsigned())?,
            b"repo" => put(&mut repo, "repo", reader.item()?.text())?,
            b"rev" => put(&mut rev, "rev", reader.item()?.text())?,
            b"since" => put(&mut since, "since", reader.item()?.nullable(Item::text))?,
            b"time" => put(&mut time, "time", reader.item()?.text())?,
            b"tooBig" => put(&mut too_big, "tooBig", reader.item()?.bool())?,
            b"commit" => put(&mut commit, "commit", reader.item()?.nullable(Item::cid))?,
            b"prevData" => put(
                &mut prev_data,
                "prevData",
                reader.item()?.nullable(Item::cid),
            )?,
            b"blocks" => put(&mut blocks, "blocks", reader.item()?.bytes())?,
            b"ops" => put(&mut ops, "ops", Ops::read(reader)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Commit {
        seq: seq.ok_or(FrameError::Missing("seq"))?,
        repo: repo.ok_or(FrameError::Missing("repo"))?,
        rev: rev.ok_or(FrameError::Missing("rev"))?,
        since: since.flatten(),
        time: time.ok_or(FrameError::Missing("time"))?,
        too_big: too_big.unwrap_or(false),
        commit: commit.flatten(),
        prev_data: prev_data.flatten(),
        blocks: blocks.ok_or(FrameError::Missing("blocks"))?,
        ops: ops.ok_or(FrameError::Missing("ops"))?,
    })
}

pub(super) fn identity<'a>(reader: &mut Reader<'a>) -> Result<Identity<'a>, FrameError> {
    let (mut seq, mut did, mut time, mut handle) = (None, None, None, None);
    each_key(reader, "body", |key, reader| {
        match key {
            b"seq" => put(&mut seq, "seq", reader.item()?.unsigned())?,
            b"did" => put(&mut did, "did", reader.item()?.text())?,
            b"time" => put(&mut time, "time", reader.item()?.text())?,
            b"handle" => put(&mut handle, "handle", reader.item()?.nullable(Item::text))?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Identity {
        seq: seq.ok_or(FrameError::Missing("seq"))?,
        did: did.ok_or(FrameError::Missing("did"))?,
        time: time.ok_or(FrameError::Missing("time"))?,
        handle: handle.flatten(),
    })
}

pub(super) fn account<'a>(reader: &mut Reader<'a>) -> Result<Account<'a>, FrameError> {
    let (mut seq, mut did, mut time, mut active, mut status) = (None, None, None, None, None);
    each_key(reader, "body", |key, reader| {
        match key {
            b"seq" => put(&mut seq, "seq", reader.item()?.unsigned())?,
            b"did" => put(&mut did, "did", reader.item()?.text())?,
            b"time" => put(&mut time, "time", reader.item()?.text())?,
            b"active" => put(&mut active, "active", reader.item()?.bool())?,
            b"status" => put(&mut status, "status", reader.item()?.nullable(Item::text))?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Account {
        seq: seq.ok_or(FrameError::Missing("seq"))?,
        did: did.ok_or(FrameError::Missing("did"))?,
        time: time.ok_or(FrameError::Missing("time"))?,
        active: active.ok_or(FrameError::Missing("active"))?,
        status: status.flatten(),
    })
}

pub(super) fn sync<'a>(reader: &mut Reader<'a>) -> Result<Sync<'a>, FrameError> {
    let (mut seq, mut did, mut rev, mut time, mut blocks) = (None, None, None, None, None);
    each_key(reader, "body", |key, reader| {
        match key {
            b"seq" => put(&mut seq, "seq", reader.item()?.unsigned())?,
            b"did" => put(&mut did, "did", reader.item()?.text())?,
            b"rev" => put(&mut rev, "rev", reader.item()?.text())?,
            b"time" => put(&mut time, "time", reader.item()?.text())?,
            b"blocks" => put(&mut blocks, "blocks", reader.item()?.bytes())?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Sync {
        seq: seq.ok_or(FrameError::Missing("seq"))?,
        did: did.ok_or(FrameError::Missing("did"))?,
        rev: rev.ok_or(FrameError::Missing("rev"))?,
        time: time.ok_or(FrameError::Missing("time"))?,
        blocks: blocks.ok_or(FrameError::Missing("blocks"))?,
    })
}

pub(crate) fn info<'a>(reader: &mut Reader<'a>) -> Result<Info<'a>, FrameError> {
    let (name, message) = name_and_message(reader, "name")?;
    Ok(Info { name, message })
}

pub(crate) fn error<'a>(reader: &mut Reader<'a>) -> Result<ErrorFrame<'a>, FrameError> {
    let (error, message) = name_and_message(reader, "error")?;
    Ok(ErrorFrame { error, message })
}

/// Accepts any body: its shape is unknown, and a wrong guess must not cost the frame its seq.
pub(super) fn unknown<'a>(
    reader: &mut Reader<'a>,
    kind: &'a str,
) -> Result<Unknown<'a>, FrameError> {
    let mut body = *reader;
    reader.skip(1)?;
    let mut seq = None;
    if let Item::Map(entries) = body.item()? {
        for _ in 0..entries {
            let is_seq = body.key()? == b"seq";
            let mut value = body;
            body.skip(2)?;
            if is_seq {
                seq = value.item()?.unsigned();
            }
        }
    }
    Ok(Unknown { kind, seq })
}

/// Stops after the seq.
pub(super) fn first_seq(reader: &mut Reader<'_>) -> Option<u64> {
    go_to_seq(reader)?;
    reader.item().ok()?.unsigned()
}

/// Where the seq is in the bytes that `reader` reads.
pub(crate) fn seq_range(reader: &mut Reader<'_>) -> Option<Range<usize>> {
    go_to_seq(reader)?;
    let start = reader.position();
    reader.item().ok()?.unsigned()?;
    Some(start..reader.position())
}

fn go_to_seq(reader: &mut Reader<'_>) -> Option<()> {
    let Ok(Item::Map(entries)) = reader.item() else {
        return None;
    };
    for _ in 0..entries {
        if reader.key().ok()? == b"seq" {
            return Some(());
        }
        reader.skip(2).ok()?;
    }
    None
}

fn name_and_message<'a>(
    reader: &mut Reader<'a>,
    name_key: &'static str,
) -> Result<(&'a str, Option<&'a str>), FrameError> {
    let (mut name, mut message) = (None, None);
    each_key(reader, "body", |key, reader| {
        if key == name_key.as_bytes() {
            put(&mut name, name_key, reader.item()?.text())?;
        } else if key == b"message" {
            put(&mut message, "message", reader.item()?.nullable(Item::text))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    })?;
    Ok((
        name.ok_or(FrameError::Missing(name_key))?,
        message.flatten(),
    ))
}

/// Calls `take` with each key of a map; it reads the value and returns true, or leaves it and returns false.
#[inline]
pub(crate) fn each_key<'a>(
    reader: &mut Reader<'a>,
    part: &'static str,
    mut take: impl FnMut(&'a [u8], &mut Reader<'a>) -> Result<bool, FrameError>,
) -> Result<(), FrameError> {
    let Item::Map(entries) = reader.item()? else {
        return Err(FrameError::NotAMap(part));
    };
    for _ in 0..entries {
        let key = reader.key()?;
        if !take(key, reader)? {
            std::str::from_utf8(key).map_err(|_| CborError::Key)?;
            reader.skip(2)?;
        }
    }
    Ok(())
}

#[inline]
pub(crate) fn put<T>(
    slot: &mut Option<T>,
    key: &'static str,
    value: Option<T>,
) -> Result<(), FrameError> {
    if slot.is_some() {
        return Err(FrameError::Duplicate(key));
    }
    *slot = Some(value.ok_or(FrameError::Invalid(key))?);
    Ok(())
}

fn integer(item: Item<'_>) -> Option<i64> {
    match item {
        Item::Unsigned(value) => i64::try_from(value).ok(),
        Item::Negative(value) => i64::try_from(value).ok().map(|value| -1 - value),
        _ => None,
    }
}
