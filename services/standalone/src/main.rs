//! `fanjet`: the whole path in one process, and a client for the terminal.
//!
//! `serve` is ingest and edge over one log, the same code as in the cluster; `demo` puts a simulated firehose in front
//! of it; `prepare` makes what a cluster keeps in NATS; `tail` is a client for any Jetstream server and knows nothing of
//! the others. Nothing may depend on this package.

mod terminal;
mod pretty;
mod tail;

mod serve;
mod demo;

mod prepare;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fanjet on one machine: reads an ATProto firehose and serves it to Jetstream clients.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a firehose, keep it in a log, serve it to Jetstream clients
    Serve(Box<serve::Args>),
    /// The same with a simulated firehose, no network and nothing kept; prints events as they arrive
    Demo(demo::Args),
    /// Make what a cluster keeps in NATS, or give it these settings' limits; then exit
    Prepare(prepare::Args),
    /// Print the events of any Jetstream server
    Tail(tail::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve::main(*args),
        Command::Demo(args) => demo::main(args),
        Command::Prepare(args) => prepare::main(args),
        Command::Tail(args) => tail::main(args),
    }
}
