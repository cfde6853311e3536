//! The contract of every log.

use fanjet_log::Seq;
use fanjet_log::contract::{LifecycleFixture, Opened};

use crate::support;

async fn open() -> Opened {
    support::open().await.unwrap()
}

fanjet_log::contract_tests!(open);

async fn open_for_frames() -> Opened {
    support::open_for_frames().await.unwrap()
}

fanjet_log::frame_contract_tests!(open_for_frames);

async fn open_for_labels() -> Opened {
    support::open_for_labels().await.unwrap()
}

fanjet_log::labels_contract_tests!(open_for_labels);

async fn open_at(first: Seq) -> LifecycleFixture {
    support::open_at(first).await.unwrap()
}

fanjet_log::lifecycle_contract_tests!(open_at);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_log_ends_its_readers() {
    fanjet_log::contract::a_replaced_log_ends_its_readers(open_at).await;
}
