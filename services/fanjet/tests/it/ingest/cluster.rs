//! Two ingest processes, one firehose, one NATS: which one leads when one of them is killed, stopped, frozen or cut off. Each
//! test compares the whole log with the simulator.

pub(crate) mod nodes;

use std::time::{Duration, Instant};

use fanjet_log::EventLog;
use fanjet_testkit::{Link, LinkState, NatsServer};

use super::harness::{PATIENCE, wait_for_last};
use nodes::Nodes;

/// `kill -9`: the lease is not released and has to expire.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_succeeded_within_ten_seconds() {
    let nodes = Nodes::start(600, 12_000).await;
    let (first, second) = nodes.start_two().await;
    let mut running = vec![first, second];
    for name in ["third", "fourth"] {
        nodes.grows(100).await;
        let killed = Instant::now();
        running.remove(0).kill().await.unwrap();
        nodes.wait_for_growth_by(&running[0], 0).await;
        let taken = killed.elapsed();
        eprintln!("takeover after kill -9: {taken:?}");
        assert!(taken < Duration::from_secs(10), "{taken:?}");
        let standby = nodes.start_node(name);
        nodes::is_ready_as(&standby, "standby").await;
        running.push(standby);
    }
    nodes.check().await;
}

/// SIGTERM: the leader appends what it has read and releases the lease, and the standby takes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_leader_hands_over_within_two_seconds() {
    let nodes = Nodes::start(610, 12_000).await;
    let (first, second) = nodes.start_two().await;
    let mut running = vec![first, second];
    for name in ["third", "fourth", "fifth"] {
        nodes.grows(100).await;
        let leader = running.remove(0);
        let stopped = Instant::now();
        let (status, ()) = tokio::join!(
            leader.stop(PATIENCE),
            nodes.wait_for_growth_by(&running[0], 0)
        );
        let taken = stopped.elapsed();
        eprintln!("hand-over after SIGTERM: {taken:?}");
        assert!(status.unwrap().success());
        assert!(taken < Duration::from_secs(2), "{taken:?}");
        let standby = nodes.start_node(name);
        nodes::is_ready_as(&standby, "standby").await;
        running.push(standby);
    }
    nodes.check().await;
}

/// SIGSTOP beyond the lease, in the middle of a write, then SIGCONT: it writes nothing more, stands by, and can lead again.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_suspended_beyond_its_term_stands_by() {
    let nodes = Nodes::start(620, 12_000).await;
    let (mut asleep, mut awake) = nodes.start_two().await;
    for _ in 0..2 {
        nodes.grows(100).await;
        asleep.freeze().await.unwrap();
        nodes
            .wait_for_growth_by(&awake, nodes::leading_lines(&awake))
            .await;
        let (said, led) = (asleep.line_count(), nodes::leading_lines(&asleep));
        asleep.thaw().unwrap();
        nodes::becomes_standby(&asleep, said).await;
        nodes::says_why(&asleep, said).await;
        nodes.grows(100).await;
        assert_eq!(
            nodes::leading_lines(&asleep),
            led,
            "it led again though another leads"
        );
        (asleep, awake) = (awake, asleep);
    }
    nodes.check().await;
}

/// Only its connection to NATS is cut. The connection stays open, so only missing responses reveal the cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_cut_off_from_nats_stops_and_another_takes_over() {
    let nodes = Nodes::start(630, 12_000).await;
    let link = Link::start(nodes.servers[0].port()).await.unwrap();
    let url = format!("nats://127.0.0.1:{}", link.port());
    let cut_off = nodes.start_with("cut-off", &[url], &[]);
    nodes::is_ready_as(&cut_off, "leader").await;
    let other = nodes.start_node("other");
    nodes::is_ready_as(&other, "standby").await;
    nodes.grows(100).await;
    let said = cut_off.line_count();
    link.set(LinkState::Dead);
    nodes::becomes_standby(&cut_off, said).await;
    nodes::says_why(&cut_off, said).await;
    nodes.wait_for_growth_by(&other, 0).await;
    assert!(link.injected() > 0, "nothing was kept from NATS");
    link.set(LinkState::Open);
    nodes::is_ready_as(&cut_off, "standby").await;
    nodes.grows(100).await;
    nodes.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_nats_loses_and_repeats_nothing() {
    let mut nodes = Nodes::start(640, 12_000).await;
    let (first, second) = nodes.start_two().await;
    for _ in 0..2 {
        nodes.grows(100).await;
        let said = [first.line_count(), second.line_count()];
        nodes.servers[0].kill().await.unwrap();
        for (node, said) in [&first, &second].into_iter().zip(said) {
            let lost = |line: &str| line.contains("the connection to NATS is lost");
            node.wait_for_line_after(said, lost, PATIENCE)
                .await
                .unwrap();
        }
        nodes.servers[0].restart().await.unwrap();
        nodes.grows(100).await;
    }
    nodes.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_deleted_by_an_operator_starts_a_new_election() {
    let nodes = Nodes::start(650, 12_000).await;
    let (first, second) = nodes.start_two().await;
    for _ in 0..3 {
        nodes.grows(100).await;
        let led = nodes::leading_lines(&first) + nodes::leading_lines(&second);
        nodes.delete_key().await;
        nodes::within("an ingest leads again", async {
            while nodes::leading_lines(&first) + nodes::leading_lines(&second) == led {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    nodes.check().await;
}

/// Both bypass the lease, so only the fence protects the log.
#[tokio::test(flavor = "multi_thread")]
async fn two_forced_leaders_write_one_history() {
    let nodes = Nodes::start(660, 6_000).await;
    let forced = ["--set", "ingest.lease.enabled=false"];
    let first = nodes.start_with("first", &[nodes.servers[0].url()], &forced);
    nodes.grows(20).await;
    let second = nodes.start_with("second", &[nodes.servers[0].url()], &forced);
    nodes.check().await;
    let fenced = [&first, &second]
        .map(|node| node.lines())
        .concat()
        .iter()
        .filter(|line| line.contains("fenced"))
        .count();
    assert!(fenced > 0, "the two never met");
}

/// Log and lease have three replicas. An ingest is killed, then the stream's leading server, and then an ingest stops.
#[tokio::test(flavor = "multi_thread")]
async fn three_servers_lose_nothing_when_leaders_of_both_kinds_die() {
    let servers = NatsServer::start_cluster(3).await.unwrap();
    let mut nodes = Nodes::start_on(servers, 670, 20_000).await;
    let (first, second) = nodes.start_two().await;
    nodes.grows(100).await;
    let killed = Instant::now();
    first.kill().await.unwrap();
    nodes.wait_for_growth_by(&second, 0).await;
    eprintln!(
        "takeover after kill -9, three servers: {:?}",
        killed.elapsed()
    );
    assert!(killed.elapsed() < Duration::from_secs(10));

    let third = nodes.start_node("third");
    nodes::is_ready_as(&third, "standby").await;
    let server = nodes.stream_leader().await;
    let last = nodes.log.bounds().await.unwrap().last;
    nodes.servers[server].kill().await.unwrap();
    wait_for_last(&nodes.log, last + 100, nodes.seed).await;
    nodes.servers[server].restart().await.unwrap();

    // Whichever ingest leads now.
    let (leader, standby) = nodes.sort_out(second, third).await;
    nodes.grows(100).await;
    let (stopped, led) = (Instant::now(), nodes::leading_lines(&standby));
    let (status, ()) = tokio::join!(
        leader.stop(PATIENCE),
        nodes.wait_for_growth_by(&standby, led)
    );
    eprintln!(
        "hand-over after SIGTERM, three servers: {:?}",
        stopped.elapsed()
    );
    assert!(status.unwrap().success());
    assert!(stopped.elapsed() < Duration::from_secs(2));
    nodes.check().await;
}

/// SIGTERM while the log is unreachable: events that were read are not in the log and will be read again, so nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_an_outage_of_nats_exits_with_success() {
    let mut nodes = Nodes::start(680, 4_000).await;
    // With the lease, the term ends before the stop times out. Without it, the term has no end.
    let lease_ends = ["--set", "ingest.pipeline.drain_timeout=1h"];
    let time_is_up = [
        "--set",
        "ingest.pipeline.drain_timeout=1s",
        "--set",
        "ingest.lease.enabled=false",
    ];
    for (round, more) in [&lease_ends[..], &time_is_up].into_iter().enumerate() {
        let urls = [nodes.servers[0].url()];
        let node = nodes.start_with(&format!("stopped-{round}"), &urls, more);
        nodes::is_ready_as(&node, "leader").await;
        nodes.grows(100).await;
        let said = node.line_count();
        nodes.servers[0].kill().await.unwrap();
        let has_unappended = |line: &str| line.contains("the log accepts no events");
        node.wait_for_line_after(said, has_unappended, PATIENCE)
            .await
            .unwrap();
        let status = node.stop(PATIENCE).await.unwrap();
        assert!(status.success(), "{status}");
        let warned =
            |line: &str| line.contains("WARN") && line.contains("will read the rest again");
        node.wait_for_line_after(said, warned, PATIENCE)
            .await
            .unwrap();
        nodes.servers[0].restart().await.unwrap();
    }
    let _next = nodes.start_node("next");
    nodes.check().await;
}
