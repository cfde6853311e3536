use proptest::prelude::*;

use super::*;

#[test]
fn damaged_frames_are_errors() {
    assert!(split_frames(&[1, 0, 0, 0]).is_err());
    assert!(split_frames(&[0, 0, 0, 0, 9]).is_err());
}

proptest! {
    #[test]
    fn a_folder_is_read_back(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..9)) {
        let folder = tempfile::tempdir().unwrap();
        let mut packed = Vec::new();
        for frame in &frames {
            packed.extend((frame.len() as u32).to_le_bytes());
            packed.extend(frame);
        }
        fs::write(folder.path().join(FRAMES), zstd::encode_all(&packed[..], 1).unwrap()).unwrap();
        fs::write(folder.path().join(LINES), "{\"a\":1}\n{\"b\":2}\n").unwrap();
        let corpus = Corpus::read(folder.path()).unwrap();
        prop_assert_eq!(corpus.frames, frames);
        prop_assert_eq!(corpus.expected, ["{\"a\":1}", "{\"b\":2}"]);
    }
}

#[test]
fn the_real_corpus_is_whole() {
    let Some(corpus) = Corpus::from_env().unwrap() else {
        return;
    };
    assert!(!corpus.frames.is_empty() && !corpus.expected.is_empty());
    for line in &corpus.expected {
        compare(line, line).unwrap();
    }
}
