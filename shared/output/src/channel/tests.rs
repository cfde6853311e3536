use std::fs::{File, OpenOptions};
use std::io::{Read, pipe};
use std::time::Instant;

use super::*;

#[test]
fn a_full_disk_costs_the_line() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let channel = Channel::to(full);
    channel.write(b"a\n");
    channel.write(b"b\n");
    assert_eq!(channel.lost(), 2);
}

#[test]
fn a_reader_that_is_gone_costs_the_line() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let channel = Channel::to(writer);
    channel.write(b"a\n");
    assert_eq!(channel.lost(), 1);
}

#[test]
fn a_reader_that_stands_still_is_waited_for_once() {
    let (mut reader, writer) = pipe().unwrap();
    let channel = Channel::to(writer);
    let line = vec![b'x'; 1024];
    while channel.lost() == 0 {
        channel.write(&line);
    }
    let began = Instant::now();
    for _ in 0..1000 {
        channel.write(&line);
    }
    assert!(began.elapsed() < PATIENCE * 100, "{:?}", began.elapsed());
    assert_eq!(channel.lost(), 1001);
    reader.read_exact(&mut vec![0; 16 << 10]).unwrap();
    channel.write(&line);
    assert_eq!(channel.lost(), 1001, "it is read again");
}

/// The reader makes room for a part of the line first, and for the rest later.
#[test]
fn a_torn_line_ends_before_the_next() {
    let (mut reader, writer) = pipe().unwrap();
    let channel = Channel::to(writer);
    let mut filling = vec![b'x'; PIECE - 1];
    filling.push(b'\n');
    while channel.lost() == 0 {
        channel.write(&filling);
    }
    reader.read_exact(&mut vec![0; PIECE]).unwrap();
    let mut long = vec![b'y'; 2 * PIECE];
    long.push(b'\n');
    channel.write(&long);
    assert_eq!(channel.lost(), 2);
    reader.read_exact(&mut vec![0; 4 * PIECE]).unwrap();
    channel.write(b"next\n");
    drop(channel);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(
        rest.ends_with("yyy\nnext\n"),
        "{}",
        &rest[rest.len() - 20..]
    );
}

#[test]
fn a_file_takes_all() {
    let file = tempfile();
    let channel = Channel::to(file.try_clone().unwrap());
    let line = vec![b'x'; 3 * PIECE];
    channel.write(&line);
    assert_eq!(channel.lost(), 0);
    assert_eq!(file.metadata().unwrap().len(), line.len() as u64);
}

fn tempfile() -> File {
    tempfile::tempfile().unwrap()
}
