//! All faults, under the names of their rows.

use anyhow::Result;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::trial::Trial;
use super::{clocks, disk, nats, output, ports, tier, upstream};

/// Injects a fault and removes it.
pub(super) type Play = for<'a> fn(&'a mut Trial) -> BoxFuture<'a, Result<()>>;

/// One fault.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) play: Play,
    /// Whether it needs to mount a file system.
    pub(super) mounts: bool,
    /// Whether every test run includes it.
    pub(super) is_short: bool,
}

const fn fault(name: &'static str, play: Play) -> Fault {
    Fault {
        name,
        play,
        mounts: false,
        is_short: false,
    }
}

impl Fault {
    const fn mounts(mut self) -> Self {
        self.mounts = true;
        self
    }

    const fn short(mut self) -> Self {
        self.is_short = true;
        self
    }
}

pub(super) const ALL: &[Fault] = &[
    fault("disk-full", |trial| disk::full(trial).boxed()).mounts(),
    fault("disk-thin", |trial| disk::thin(trial).boxed()).mounts(),
    fault("disk-full-with-logs", |trial| {
        disk::full_with_logs(trial).boxed()
    })
    .mounts(),
    fault("disk-no-inodes", |trial| disk::no_inodes(trial).boxed()).mounts(),
    fault("disk-no-inodes-at-start", |trial| {
        disk::no_inodes_at_start(trial).boxed()
    })
    .mounts(),
    fault("disk-read-only-at-start", |trial| {
        disk::read_only_at_start(trial).boxed()
    })
    .mounts(),
    fault("disk-folder-removed", |trial| {
        disk::folder_removed(trial).boxed()
    }),
    fault("disk-flipped-bit", |trial| disk::flipped_bit(trial).boxed()).short(),
    fault("stderr-full", |trial| output::stderr_full(trial).boxed()).short(),
    fault("stderr-closed", |trial| {
        output::stderr_closed(trial).boxed()
    }),
    fault("stdout-full", |trial| output::stdout_full(trial).boxed()),
    fault("clock-ahead", |trial| clocks::ahead(trial).boxed()),
    fault("clock-behind", |trial| clocks::behind(trial).boxed()),
    fault("upstream-pings", |trial| upstream::pings(trial).boxed()),
    fault("upstream-huge-seq", |trial| {
        upstream::huge_seq(trial).boxed()
    }),
    fault("upstream-giant-frame", |trial| {
        upstream::giant_frame(trial).boxed()
    }),
    fault("upstream-words", |trial| upstream::words(trial).boxed()).short(),
    fault("ops-port-held", |trial| ports::ops_held(trial).boxed()).short(),
    fault("nats-refuses-new", |trial| nats::refuses_new(trial).boxed()).short(),
    fault("nats-sealed", |trial| nats::sealed(trial).boxed()),
    fault("nats-other-subjects", |trial| {
        nats::other_subjects(trial).boxed()
    }),
    fault("nats-right-revoked", |trial| {
        nats::right_revoked(trial).boxed()
    }),
    fault("nats-small-payload", |trial| {
        nats::small_payload(trial).boxed()
    }),
    fault("nats-small-payload-at-start", |trial| {
        nats::small_payload_at_start(trial).boxed()
    }),
    fault("nats-killed", |trial| nats::killed(trial).boxed()),
    fault("nats-strays", |trial| nats::strays(trial).boxed()),
    fault("nats-no-bucket", |trial| nats::no_bucket(trial).boxed()),
    fault("tier-disk-full", |trial| tier::full(trial).boxed()).mounts(),
];
