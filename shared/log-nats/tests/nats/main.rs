//! The log on real servers.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;
mod scene;

mod clusters;
mod contract;
mod foreign_streams;
mod leases;
mod lost_servers;
mod vanished_server;
mod many_collections;
mod notices;
mod bookmarks;
mod plain_clients;
mod replays;
mod refusals;
mod restored;
mod settings;
mod stores;
mod strays;
mod too_small;
mod unreadable;
