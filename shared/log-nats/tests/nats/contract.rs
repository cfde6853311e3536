//! The contract of every log.

use fanjet_log::Seq;
use fanjet_log::contract::{Opened, OpenedAnew};

use crate::support;

async fn open() -> Opened {
    support::open().await.unwrap()
}

fanjet_log::contract_tests!(open);

async fn open_anew(first: Seq) -> OpenedAnew {
    support::open_anew(first).await.unwrap()
}

fanjet_log::anew_contract_tests!(open_anew);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_log_ends_its_readers() {
    fanjet_log::contract::a_replaced_log_ends_its_readers(open_anew).await;
}
