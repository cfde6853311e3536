//! A server whose machine is gone: it sends nothing more, and closes no connection.

use std::time::Duration;

use fanjet_testkit::NatsServer;

use crate::clusters::{config, connect};
use crate::lost_servers::end_of;
use crate::support::within;

#[tokio::test]
async fn a_server_that_vanishes_is_left_for_another() {
    let servers = NatsServer::start_cluster(3).await.unwrap();
    let mut config = config(&servers);
    // The client connects to this one, which names the others.
    config.url.truncate(1);
    config.request_timeout = Duration::from_secs(1);
    let log = connect(&config).await;
    end_of(&log).await;

    servers[0].freeze().await.unwrap();
    within("another server", end_of(&log)).await;
}
