use fanjet_event::Cid;
use fanjet_firehose::oracle::build::{self, Node};
use fanjet_firehose::oracle::repo;
use futures::stream;

use super::*;
use crate::batch::Share;
use crate::frame_time::FrameTime;
use crate::validate::MAX_FRAME_JSON;

/// A frame of 350 KB that produces 6.3 MB, which is allowed.
fn swollen() -> Bytes {
    let record = Node::map([("text", Node::text("&".repeat(348_000)))]).encode();
    let cid = Cid::of_dag_cbor(&record);
    let paths = ["a", "b", "c"].map(|rkey| format!("app.bsky.feed.post/{rkey}"));
    let tree = paths.clone().map(|path| (path, cid));
    let nodes = repo::tree(&tree);
    let object = repo::commit_object(nodes.last().unwrap().0);
    let blocks = [vec![object], nodes, vec![(cid, record)]].concat();
    let ops = paths.map(|path| build::op("create", &path, Some(cid)));
    repo::commit_frame(ops.into(), &blocks).into()
}

fn batch(frames: Vec<Bytes>, seq: u64, rewind: Rewind) -> FrameBatch {
    FrameBatch {
        numbering: Numbering::first(UpstreamId::new("relay").unwrap()),
        rewind,
        reached: Some(Reached::Frame {
            seq,
            time: FrameTime::MIN,
        }),
        arrived: Instant::now(),
        frames,
        share: Share::default(),
    }
}

#[tokio::test]
async fn a_batch_that_becomes_large_comes_in_pieces_each_of_its_frames_once() {
    let frame = swollen();
    let batches = [
        batch(vec![frame.clone(); 20], 1, Rewind::IntoLog),
        batch(vec![Bytes::from_static(b"garbage"); 3], 2, Rewind::None),
        batch(vec![frame; 5], 3, Rewind::None),
    ];
    let decoded = decode_in_order(stream::iter(batches), Arc::default(), 2);
    let pieces: Vec<_> = decoded.collect().await;
    let most = PIECE_JSON + MAX_FRAME_JSON;
    for piece in &pieces {
        assert!(piece.drafts.text.len() <= most);
    }
    let events: usize = pieces.iter().map(|piece| piece.drafts.events.len()).sum();
    assert_eq!(events, 75);
    assert_eq!(pieces.len(), 20 + 1 + 5);
    let rewound = pieces.iter().map(|piece| piece.rewind == Rewind::IntoLog);
    assert_eq!(rewound.clone().position(|it| it), Some(0));
    assert_eq!(rewound.filter(|it| *it).count(), 1, "reported once");
    // Only the last piece of a batch completes it.
    let reached: Vec<_> = (0..)
        .zip(&pieces)
        .filter_map(|(n, piece)| piece.reached.map(|_| n))
        .collect();
    assert_eq!(reached, [19, 20, 25]);
    assert_eq!(
        pieces[20].drafts.drops.iter().map(|(_, n)| n).sum::<u64>(),
        3
    );
}

/// Small batches are decoded where they come, and say the same.
#[tokio::test]
async fn it_makes_no_difference_where_a_batch_is_decoded() {
    let record = Node::map([("text", Node::text("x"))]).encode();
    let cid = Cid::of_dag_cbor(&record);
    let path = "app.bsky.feed.post/a".to_owned();
    let nodes = repo::tree(&[(path.clone(), cid)]);
    let object = repo::commit_object(nodes.last().unwrap().0);
    let blocks = [vec![object], nodes, vec![(cid, record)]].concat();
    let ops = vec![build::op("create", &path, Some(cid))];
    let frame: Bytes = repo::commit_frame(ops, &blocks).into();
    let count = SMALL_BATCH / frame.len() + 1;
    let frames = |count| vec![frame.clone(); count];
    let one_by_one = (0..count as u64).map(|seq| batch(frames(1), seq, Rewind::None));
    let together = [batch(frames(count), 1, Rewind::None)];
    let texts = async |batches: Vec<FrameBatch>| {
        let decoded = decode_in_order(stream::iter(batches), Arc::default(), 2);
        let drafts = decoded.map(|decoded| decoded.drafts.text);
        drafts.collect::<Vec<_>>().await.concat()
    };
    let apart = texts(one_by_one.collect()).await;
    assert!(!apart.is_empty());
    assert!(apart == texts(together.into()).await);
}
