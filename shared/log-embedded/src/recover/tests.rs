use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanjet_log::contract::events;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection};
use tempfile::TempDir;

use super::*;
use crate::block;
use crate::disk::faulty::FaultyDisk;
use crate::log::AtZero;
use crate::{EmbeddedConfig, EmbeddedLog};

/// The samples are from a fixed day: they must not expire.
fn unlimited(folder: &TempDir) -> EmbeddedConfig {
    EmbeddedConfig {
        max_age: Duration::ZERO,
        ..EmbeddedConfig::in_folder(folder.path())
    }
}

/// A log of three segments and `count` events, closed properly.
async fn written(count: u64) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        segment_bytes: 25_000,
        ..unlimited(&folder)
    };
    let disk = Arc::new(FaultyDisk::default());
    let log = EmbeddedLog::open_on(config, Arc::new(AtZero), disk).unwrap();
    let mut appender = log.appender(0).await.unwrap();
    for piece in events(0, count).chunks(7) {
        appender.append(piece).await.unwrap();
        appender.flush().await.unwrap();
    }
    drop((appender, log));
    let files = folder::segments(folder.path()).unwrap();
    (folder, files.into_iter().map(|(_, path)| path).collect())
}

fn open_again(folder: &TempDir, verify: Verify) -> Result<Recovered, OpenError> {
    recover(&FaultyDisk::default(), folder.path(), verify, 1, &|| true)
}

/// The last seq, after checking that every record up to it exists.
fn last_of(recovered: &Recovered) -> Seq {
    let mut next = 1;
    for segment in recovered.sealed.iter().chain([&recovered.active]) {
        assert_eq!(segment.first, next);
        let bytes = fs::read(&segment.path).unwrap();
        let frames = &bytes[header::LEN..segment.end as usize];
        block::check(frames, header::LEN as u64, next).unwrap();
        next = segment.last + 1;
    }
    next - 1
}

fn assert_damaged(outcome: Result<Recovered, OpenError>, path: &Path, offsets: &[u64]) -> String {
    let Err(error) = outcome else {
        panic!("{} was opened", path.display());
    };
    let OpenError::Damaged { file, offset, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(file, path);
    assert!(offsets.contains(offset), "{error}, expected {offsets:?}");
    assert!(!error.is_retryable());
    let text = error.to_string();
    assert!(text.contains(&format!("at byte {offset}")) && text.contains("Restore"));
    text
}

/// The start of each frame of a segment, including the footer.
fn frames_of(path: &Path) -> Vec<u64> {
    use crate::format::frame::{Found, read};
    let bytes = fs::read(path).unwrap();
    let mut at = header::LEN;
    let mut begins = Vec::new();
    while let Found::Frame(frame) = read(&bytes[at..]) {
        begins.push(at as u64);
        at += frame.len();
    }
    begins
}

#[tokio::test]
async fn a_last_segment_cut_anywhere_opens_with_every_whole_record() {
    let (folder, files) = written(200).await;
    assert!(files.len() >= 3, "{files:?}");
    let last = files.last().unwrap();
    let whole = fs::read(last).unwrap();
    let begins = frames_of(last);
    let first = open_again(&folder, Verify::All).unwrap().active.first;
    // The last records, the marks between them and the closing mark.
    let from = begins[begins.len() - 6] as usize;
    let mut seen = Vec::new();
    for cut in from..=whole.len() {
        fs::write(last, &whole[..cut]).unwrap();
        let recovered = open_again(&folder, Verify::All).unwrap();
        let is_whole = cut == whole.len() || begins.contains(&(cut as u64));
        let before = begins.iter().copied().rfind(|&at| at < cut as u64);
        let end = if is_whole {
            cut as u64
        } else {
            before.unwrap()
        };
        assert_eq!(recovered.active.end, end, "cut at {cut}");
        assert_eq!(fs::metadata(last).unwrap().len(), end, "cut at {cut}");
        let last_seq = last_of(&recovered);
        assert!(last_seq >= first && last_seq <= 200);
        seen.push(last_seq);
    }
    assert!(seen.is_sorted() && seen.last() == Some(&200) && seen[0] < 200);
}

#[test]
fn what_the_disk_cannot_read_is_damage_with_file_and_offset() {
    let path = Path::new("/data/1.segment");
    let of = |errno: rustix::io::Errno| OpenError::read(path, 40)(errno.into());
    let lost = of(rustix::io::Errno::IO);
    assert!(
        matches!(lost, OpenError::Damaged { offset: 40, .. }),
        "{lost}"
    );
    let text = lost.to_string();
    assert!(text.contains("at byte 40: read failed"), "{text}");
    assert!(of(rustix::io::Errno::MFILE).is_retryable());
}

#[tokio::test]
async fn garbage_behind_the_end_is_cut_off() {
    let (folder, files) = written(150).await;
    let last = files.last().unwrap();
    let whole = fs::read(last).unwrap();
    for garbage in [vec![0; 1], vec![0; 5_000], vec![0xff; 8], vec![7; 3 << 20]] {
        fs::write(last, [whole.clone(), garbage].concat()).unwrap();
        let recovered = open_again(&folder, Verify::All).unwrap();
        assert_eq!(recovered.active.end as usize, whole.len());
        assert_eq!(last_of(&recovered), 150);
        assert_eq!(fs::read(last).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_flipped_bit_in_a_finished_segment_is_refused_with_file_and_offset() {
    let (folder, files) = written(200).await;
    for path in &files[..files.len() - 1] {
        let whole = fs::read(path).unwrap();
        let begins = frames_of(path);
        for at in (0..whole.len())
            .step_by(97)
            .chain([0, 8, 12, 31, whole.len() - 1])
        {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(path, damaged).unwrap();
            let outcome = open_again(&folder, Verify::All);
            if (8..12).contains(&at) {
                let error = outcome.map(|_| ()).unwrap_err();
                assert!(matches!(error, OpenError::Version { .. }), "{error}");
                continue;
            }
            // The frame with the byte; the trailer belongs to the footer.
            let frame = begins.iter().copied().rfind(|&begin| begin <= at as u64);
            assert_damaged(outcome, path, &[frame.unwrap_or(0)]);
        }
        fs::write(path, whole).unwrap();
    }
    open_again(&folder, Verify::All).unwrap();
}

/// After a proper shutdown a mark closes the log, so no damage can pass as a torn write.
#[tokio::test]
async fn a_flipped_bit_in_the_last_segment_is_refused_and_nothing_is_cut() {
    let (folder, files) = written(200).await;
    let path = files.last().unwrap();
    let whole = fs::read(path).unwrap();
    let begins = frames_of(path);
    let closing = *begins.last().unwrap() as usize;
    for at in (header::LEN..closing).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(path, &damaged).unwrap();
        let frame = begins.iter().copied().rfind(|&begin| begin <= at as u64);
        let text = assert_damaged(open_again(&folder, Verify::Last), path, &[frame.unwrap()]);
        assert!(text.contains("not the torn end"), "{text}");
        assert_eq!(fs::read(path).unwrap(), damaged, "left as it was");
    }
    // The remedy works.
    let at = begins[begins.len() / 2];
    let mut damaged = whole;
    damaged[at as usize + 9] ^= 1;
    fs::write(path, &damaged).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::All), path, &[at]);
    assert!(text.contains(&format!("truncate -s {at}")), "{text}");
    fs::write(path, &damaged[..at as usize]).unwrap();
    assert!(last_of(&open_again(&folder, Verify::All).unwrap()) < 200);
}

#[tokio::test]
async fn giving_up_a_damaged_segment_and_all_older_ones_keeps_the_rest() {
    let (folder, files) = written(200).await;
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[100] ^= 1;
    fs::write(&files[1], bytes).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::All), &files[1], &[56]);
    assert!(text.contains("all segments with lower numbers"), "{text}");
    fs::remove_file(&files[0]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    let recovered = open_again(&folder, Verify::All).unwrap();
    assert_eq!(recovered.active.last, 200);
}

#[tokio::test]
async fn a_missing_segment_a_short_one_and_a_wrong_name_are_refused() {
    let (folder, files) = written(200).await;
    let aside = folder.path().join("aside");
    fs::rename(&files[1], &aside).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::Last), &files[2], &[0]);
    assert!(text.contains("the segment before it ends at"), "{text}");
    fs::rename(&aside, &files[1]).unwrap();

    let whole = fs::read(&files[1]).unwrap();
    let begins = frames_of(&files[1]);
    fs::write(&files[1], &whole[..10]).unwrap();
    assert_damaged(open_again(&folder, Verify::All), &files[1], &[0]);
    let footer = *begins.last().unwrap();
    fs::write(&files[1], &whole[..footer as usize]).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::All), &files[1], &[footer]);
    assert!(text.contains("without a footer"), "{text}");
    let shorter = footer - crate::format::footer::TRAILER as u64;
    assert_damaged(open_again(&folder, Verify::Last), &files[1], &[shorter]);
    fs::write(&files[1], &whole).unwrap();

    fs::copy(&files[0], &files[1]).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::Last), &files[1], &[0]);
    assert!(text.contains("its name"), "{text}");
}

#[tokio::test]
async fn both_ways_of_opening_find_the_same() {
    let (folder, _) = written(200).await;
    let all = open_again(&folder, Verify::All).unwrap();
    let quick = open_again(&folder, Verify::Last).unwrap();
    assert_eq!(all.sealed.len(), quick.sealed.len());
    for (all, quick) in all.sealed.iter().zip(&quick.sealed) {
        assert_eq!(
            (all.first, all.last, all.end),
            (quick.first, quick.last, quick.end)
        );
        assert_eq!(all.points, quick.points);
    }
    assert_eq!(last_of(&quick), 200);
}

/// Data that opening did not verify is verified when it is read.
#[tokio::test]
async fn damage_that_opening_skipped_is_found_by_the_reader() {
    let (folder, files) = written(200).await;
    let mut bytes = fs::read(&files[0]).unwrap();
    bytes[5_000] ^= 4;
    fs::write(&files[0], bytes).unwrap();
    let config = EmbeddedConfig {
        verify: Verify::Last,
        ..unlimited(&folder)
    };
    let log =
        EmbeddedLog::open_on(config, Arc::new(AtZero), Arc::new(FaultyDisk::default())).unwrap();
    let limit = ReadLimit {
        entries: 1,
        bytes: 1,
    };
    // Everything before it is complete, and served, one by one or in one page.
    let mut next = 1;
    let error = loop {
        match log.read(next, &Selection::All, limit).await {
            Ok(page) => next = page.next,
            Err(error) => break error,
        }
    };
    assert!(next > 5, "{next}");
    assert!(
        matches!(error, LogError::Corrupt { seq, .. } if seq == next),
        "{error}, expected at {next}"
    );
    let whole = ReadLimit {
        entries: usize::try_from(next - 1).unwrap(),
        bytes: usize::MAX,
    };
    let page = log.read(1, &Selection::All, whole).await.unwrap();
    assert_eq!(page.next, next);
    let text = error.to_string();
    let file = files[0].display().to_string();
    assert!(text.contains(&file) && text.contains("at byte "), "{text}");
    assert!(!error.is_retryable());
    // Other segments are served.
    let page = log.read(200, &Selection::All, limit).await.unwrap();
    assert_eq!(page.entries[0].seq, 200);
}

#[tokio::test]
async fn traces_of_a_crash_while_rolling_are_repaired() {
    let (folder, files) = written(200).await;
    let last = files.last().unwrap();
    // The next segment was being created.
    let unfinished = folder.path().join(format!("{:020}.segment.new", 201));
    fs::write(&unfinished, b"half a hea").unwrap();
    fs::remove_file(last).unwrap();
    let recovered = open_again(&folder, Verify::All).unwrap();
    assert!(!unfinished.exists());
    // The last one had its footer already.
    assert!(recovered.active.is_empty());
    assert_eq!(recovered.sealed.len(), files.len() - 1);
    assert_eq!(
        recovered.active.first,
        recovered.sealed.back().unwrap().last + 1
    );

    // Its footer was being written: it is cut off, and no record with it.
    let (folder, files) = written(200).await;
    fs::remove_file(files.last().unwrap()).unwrap();
    let path = &files[files.len() - 2];
    let whole = fs::read(path).unwrap();
    let footer = *frames_of(path).last().unwrap() as usize;
    for cut in footer..whole.len() {
        fs::write(path, &whole[..cut]).unwrap();
        let recovered = open_again(&folder, Verify::All).unwrap();
        assert_eq!(recovered.active.end as usize, footer);
        assert_eq!(&*recovered.active.path, path.as_path());
    }
}

/// The last segment is finished and the next was not created yet: its footer proves that every record was durable.
#[tokio::test]
async fn damage_in_front_of_a_footer_is_no_torn_end() {
    let (folder, files) = written(200).await;
    fs::remove_file(files.last().unwrap()).unwrap();
    let path = &files[files.len() - 2];
    let mut bytes = fs::read(path).unwrap();
    let begins = frames_of(path);
    // The last record: no mark follows it.
    let at = begins[begins.len() - 2];
    bytes[at as usize + 20] ^= 1;
    fs::write(path, &bytes).unwrap();
    let text = assert_damaged(open_again(&folder, Verify::All), path, &[at]);
    assert!(text.contains("not the torn end"), "{text}");
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[tokio::test]
async fn unknown_files_are_left_alone() {
    let (folder, _) = written(50).await;
    let names = [
        "notes.txt",
        "1.segment",
        "x.segment.new",
        "00000000000000000001.segment.bak",
    ];
    for name in names {
        fs::write(folder.path().join(name), name).unwrap();
    }
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    assert_eq!(last_of(&open_again(&folder, Verify::All).unwrap()), 50);
    for name in names {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), name);
    }
}

/// Every sync of a random history is a moment for a power failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_of_power_at_any_sync_takes_nothing_that_was_shown() {
    let seed = random_seed();
    let folder = tempfile::tempdir().unwrap();
    let images = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let config = EmbeddedConfig {
        segment_bytes: 20_000,
        ..unlimited(&folder)
    };
    let log = EmbeddedLog::open_on(config, Arc::new(AtZero), Arc::clone(&disk) as _).unwrap();
    let shown = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let count = Arc::new(AtomicUsize::new(0));
    {
        let (shown, count) = (Arc::clone(&shown), Arc::clone(&count));
        let (from, to) = (folder.path().to_owned(), images.path().to_owned());
        // Weak, or the log would keep its own thread from ending.
        let log = log.weak_shared();
        let mut state = seed;
        let random = parking_lot::Mutex::new(move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below.max(1)
        });
        disk.before_sync(Box::new(move |unsynced| {
            let Some(log) = log.upgrade() else { return };
            let number = count.fetch_add(1, Ordering::SeqCst);
            let image = to.join(number.to_string());
            fs::create_dir(&image).unwrap();
            crate::disk::faulty::image(&from, &image, unsynced, &mut *random.lock());
            shown.lock().push((image, log.state.read().bounds().last));
        }));
    }
    let mut appender = log.appender(0).await.unwrap();
    for piece in events(0, 1_500).chunks(11) {
        appender.append(piece).await.unwrap();
        if piece[0].origin.relay_seq % 3 == 0 {
            appender.flush().await.unwrap();
        }
    }
    appender.flush().await.unwrap();
    drop((appender, log));
    let shown = std::mem::take(&mut *shown.lock());
    assert!(shown.len() > 50, "{} images", shown.len());
    let mut torn = 0;
    for (image, last) in shown {
        let bytes_before = total(&image);
        let recovered = recover(&FaultyDisk::default(), &image, Verify::All, 1, &|| true)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = last_of(&recovered);
        assert!(
            found >= last,
            "seed {seed}: {found} of {last} in {}",
            image.display()
        );
        torn += u64::from(total(&image) < bytes_before);
        for segment in recovered.sealed.iter().chain([&recovered.active]) {
            let bytes = fs::read(&segment.path).unwrap();
            check_bodies(&bytes[header::LEN..segment.end as usize]);
        }
    }
    assert!(
        torn > 5,
        "only {torn} torn ends: the test does not test much"
    );
}

fn check_bodies(mut frames: &[u8]) {
    use crate::format::frame::{Found, read};
    while let Found::Frame(frame) = read(frames) {
        if let Some(record) = crate::format::record::read(frame.payload) {
            assert_eq!(
                record.body,
                &fanjet_log::contract::event(record.seq - 1).body[..]
            );
        }
        frames = &frames[frame.len()..];
    }
}

fn total(folder: &Path) -> u64 {
    let files = folder::segments(folder).unwrap();
    files
        .iter()
        .map(|(_, path)| fs::metadata(path).unwrap().len())
        .sum()
}

/// Different each time, and printed when a check fails.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Reading everything takes minutes on a slow disk; a process that is stopping must not wait for it.
#[tokio::test]
async fn a_canceled_opening_ends_between_two_reads() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<FaultyDisk> = Arc::default();
    let config = EmbeddedConfig {
        segment_bytes: 1 << 20,
        ..unlimited(&folder)
    };
    let log = EmbeddedLog::open_on(config, Arc::new(AtZero), disk).unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 20_000)).await.unwrap();
    appender.flush().await.unwrap();
    drop((appender, log));

    let disk = FaultyDisk::default();
    let asked = AtomicUsize::new(0);
    let recover_while = |times: usize| {
        asked.store(0, Ordering::Relaxed);
        let wanted = || asked.fetch_add(1, Ordering::Relaxed) < times;
        recover(&disk, folder.path(), Verify::All, 1, &wanted)
    };
    assert!(recover_while(usize::MAX).is_ok());
    let in_all = asked.load(Ordering::Relaxed);
    assert!(in_all > 5, "asked {in_all} times only");
    for times in [0, 1, in_all - 1] {
        let outcome = recover_while(times);
        assert!(matches!(outcome, Err(OpenError::GivenUp)));
        assert_eq!(asked.load(Ordering::Relaxed), times + 1);
    }
    assert!(recover_while(usize::MAX).is_ok(), "nothing was harmed");
}
