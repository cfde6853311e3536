use super::*;

fn json(rkey: u32, time_us: u64) -> String {
    format!(r#"{{"did":"did:plc:x","time_us":{time_us},"rkey":"{rkey}"}}"#)
}

fn oracle() -> Vec<Expected> {
    let line = |seq: u64, v1: &str| {
        format!(r#"{{"relay_seq":{seq},"op_index":0,"op_count":1,"did":"did:plc:x","v1":{v1}}}"#)
    };
    let quoted = |rkey| serde_json::to_string(&json(rkey, 0)).unwrap();
    let lines = [line(1, &quoted(1)), line(2, "null"), line(3, &quoted(3))];
    lines
        .map(|line| Expected::parse(line.as_bytes()).unwrap())
        .to_vec()
}

/// The verdict on a log of (relay seq, log time, rkey); with counts of the four faults.
fn judged(log: &[(u64, u64, u32)]) -> [u64; 4] {
    let oracle = oracle();
    let mut judge = LogJudge::new(&oracle);
    for &(seq, time_us, rkey) in log {
        judge.see((seq, 0), time_us, &json(rkey, time_us));
    }
    let verdict = judge.finish();
    let faults = [
        verdict.missing,
        verdict.repeated,
        verdict.reordered,
        verdict.differ,
    ];
    assert_eq!(verdict.is_clean(), faults == [0; 4]);
    faults
}

#[test]
fn every_difference_has_its_name() {
    assert_eq!(judged(&[(1, 10, 1), (2, 11, 0), (3, 12, 3)]), [0, 0, 0, 0]);
    assert_eq!(judged(&[(1, 10, 1), (3, 12, 3)]), [1, 0, 0, 0]);
    assert_eq!(
        judged(&[(1, 10, 1), (2, 11, 0), (2, 12, 0), (3, 13, 3)]),
        [0, 1, 0, 0]
    );
    assert_eq!(judged(&[(2, 10, 0), (1, 11, 1), (3, 12, 3)]), [0, 0, 1, 0]);
    assert_eq!(judged(&[(1, 10, 1), (2, 10, 0), (3, 12, 3)]), [0, 0, 1, 0]);
    assert_eq!(judged(&[(1, 10, 9), (2, 11, 0), (3, 12, 3)]), [0, 0, 0, 1]);
    assert_eq!(
        judged(&[(1, 10, 1), (2, 11, 0), (3, 12, 3), (7, 13, 7)]),
        [0, 0, 0, 1]
    );
    assert_eq!(judged(&[]), [3, 0, 0, 0]);
}
