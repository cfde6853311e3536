//! The contract of every log.

use fanjet_log::contract::Opened;

use crate::support;

async fn open() -> Opened {
    support::open().await.unwrap()
}

fanjet_log::contract_tests!(open);
