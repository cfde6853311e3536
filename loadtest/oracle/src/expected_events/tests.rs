use std::io::Write;

use super::*;

fn line(seq: u64, op: u32, of: u32) -> String {
    format!(
        "{{\"relay_seq\":{seq},\"op_index\":{op},\"op_count\":{of},\"did\":\"did:plc:\u{e4}\",\"time\":\"t\",\"v1\":null}}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn an_account_is_read_while_it_is_written() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut expected = ExpectedEvents::open(file.path(), 2, Duration::from_secs(60)).unwrap();
    let all = line(1, 0, 1) + &line(2, 0, 2) + &line(2, 1, 2);
    // The first part ends in the middle of a character.
    let cut = line(1, 0, 1).len() + line(2, 0, 2).find('\u{e4}').unwrap() + 1;
    let (begin, rest) = all.as_bytes().split_at(cut);
    file.write_all(begin).unwrap();
    let first = expected.next().await.unwrap().unwrap();
    assert_eq!(first.key(), (1, 0));
    let (second, ()) = tokio::join!(expected.next(), async {
        sleep(Duration::from_secs(50)).await;
        file.write_all(rest).unwrap();
    });
    assert_eq!(second.unwrap().unwrap().did, "did:plc:\u{e4}");
    let third = expected.next().await.unwrap().unwrap();
    assert!(third.ends_frame());
    assert_eq!(expected.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_simulator_that_stops_is_not_waited_for_forever() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(line(1, 0, 1).as_bytes()).unwrap();
    let error = ExpectedEvents::read(file.path(), 2, Duration::from_secs(60)).await;
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "the simulator stopped after 1 of 2 frames");
}
