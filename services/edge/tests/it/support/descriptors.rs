//! Open files of this process.

use std::fs;
use std::net::SocketAddr;

/// The descriptors of this process for connections to a local port.
pub(crate) fn descriptors(addr: SocketAddr) -> usize {
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let port = format!(":{:04X}", addr.port());
    let inodes: Vec<_> = table
        .lines()
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            // The local address and the number of the socket.
            fields[1].ends_with(&port).then(|| fields.get(9).copied())?
        })
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links
        .filter(|link| inodes.iter().any(|it| link.as_os_str() == it.as_str()))
        .count()
}
