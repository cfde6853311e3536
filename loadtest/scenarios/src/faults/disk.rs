//! The disk under an embedded log.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::trial::Trial;
use super::volume::Volume;
use crate::service::Launch;

/// Small segments, so that new files are needed all the time.
const SEGMENT: (&str, &str) = ("embedded.segment_bytes", "200000");
/// This many events fill several of them.
const SEVERAL_SEGMENTS: usize = 1_000;
/// Does not fit into a page of a full disk.
const SOME_BYTES: usize = 64 << 10;

/// No space.
pub(super) async fn full(trial: &mut Trial) -> Result<()> {
    without_room(trial, 0, &Launch::default(), Volume::mount(16, 100)?).await
}

/// Little space: small appends succeed for a while, larger ones fail.
pub(super) async fn thin(trial: &mut Trial) -> Result<()> {
    without_room(trial, 24 << 10, &Launch::default(), Volume::mount(16, 100)?).await
}

/// No space, also for the log lines about it.
pub(super) async fn full_with_logs(trial: &mut Trial) -> Result<()> {
    let volume = Volume::mount(16, 100)?;
    let log = volume.path().join("serve.log").display().to_string();
    let launch = Launch::redirected("/bin/sh", &format!("2>>'{log}'"));
    without_room(trial, 0, &launch, volume).await
}

async fn without_room(
    trial: &mut Trial,
    leave: usize,
    launch: &Launch,
    volume: Volume,
) -> Result<()> {
    trial
        .testbed
        .serve(&volume.path().join("data"), launch, &[])
        .await?;
    trial.inject().await?;
    let ballast = volume.fill(leave)?;
    trial.evidence(volume.refusal(SOME_BYTES)?);
    trial.meanwhile().await?;
    ballast.remove()?;
    trial.afterwards().await
}

/// Space, but no inodes.
pub(super) async fn no_inodes(trial: &mut Trial) -> Result<()> {
    let volume = Volume::mount(16, 100)?;
    let data = volume.path().join("data");
    serve(trial, &data, &[SEGMENT]).await?;
    trial.inject().await?;
    let ballast = volume.fill_inodes()?;
    trial.evidence(volume.refusal(0)?);
    trial.meanwhile().await?;
    ballast.remove()?;
    trial.afterwards().await
}

/// The same, and a start during the fault, with a complete last segment.
pub(super) async fn no_inodes_at_start(trial: &mut Trial) -> Result<()> {
    let volume = Volume::mount(16, 100)?;
    let data = volume.path().join("data");
    serve(trial, &data, &[SEGMENT]).await?;
    let ballast = volume.fill_inodes()?;
    // Until the current segment is full, and for a moment longer.
    trial.testbed.relay.publish(SEVERAL_SEGMENTS as u64).await;
    trial.testbed.service("serve")?.stop().await?;
    trial.inject().await?;
    trial.evidence(volume.refusal(0)?);
    trial.start_again("serve")?;
    trial.meanwhile().await?;
    ballast.remove()?;
    trial.afterwards().await
}

/// A read-only disk, as a system mounts one that has failed: the file system cannot be written.
pub(super) async fn read_only_at_start(trial: &mut Trial) -> Result<()> {
    let volume = Volume::mount(16, 100)?;
    let data = volume.path().join("data");
    serve(trial, &data, &[]).await?;
    trial.testbed.service("serve")?.stop().await?;
    trial.inject().await?;
    volume.forbid_writing()?;
    trial.evidence(volume.refusal(0)?);
    trial.start_again("serve")?;
    trial.meanwhile().await?;
    volume.allow_writing()?;
    trial.afterwards().await
}

/// The log's folder is removed under a running program.
pub(super) async fn folder_removed(trial: &mut Trial) -> Result<()> {
    let data = trial.testbed.folder().join("data");
    serve(trial, &data, &[]).await?;
    trial.inject().await?;
    let aside = trial.testbed.folder().join("aside");
    fs::rename(&data, &aside)?;
    trial.evidence(format!("{} exists: {}", data.display(), data.exists()));
    trial.meanwhile().await?;
    fs::rename(&aside, &data)?;
    trial.afterwards().await
}

/// A bit flips in an old segment while the program runs.
pub(super) async fn flipped_bit(trial: &mut Trial) -> Result<()> {
    let data = trial.testbed.folder().join("data");
    // Little memory, so that replays read the files.
    let settings = [
        SEGMENT,
        ("edge.tail.ring_bytes", "100000"),
        ("embedded.tail_bytes", "100000"),
        ("embedded.cache_bytes", "0"),
        ("edge.replay.cache_bytes", "0"),
    ];
    serve(trial, &data, &settings).await?;
    trial.testbed.relay.publish(SEVERAL_SEGMENTS as u64).await;
    trial.testbed.events(SEVERAL_SEGMENTS).await?;
    let old = segments(&data)?;
    ensure!(old.len() > 3, "too few segments: {old:?}");
    trial.inject().await?;
    let (path, place) = (&old[1], fs::metadata(&old[1])?.len() / 2);
    let file = fs::File::options().read(true).write(true).open(path)?;
    let flip = || {
        let mut byte = [0];
        file.read_exact_at(&mut byte, place)?;
        let flipped = [byte[0] ^ 1];
        file.write_all_at(&flipped, place)?;
        anyhow::Ok(format!("byte {place} was {byte:?}, is {flipped:?}"))
    };
    trial.evidence(flip()?);
    trial.meanwhile().await?;
    flip()?;
    trial.afterwards().await
}

async fn serve(trial: &mut Trial, data: &Path, settings: &[(&str, &str)]) -> Result<()> {
    let launch = Launch::default();
    trial.testbed.serve(data, &launch, settings).await
}

/// The log's segments, oldest first.
fn segments(data: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(data).context("the log's folder")?;
    let paths = files.map(|file| Ok(file?.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "segment"));
    paths.sort();
    Ok(paths)
}
