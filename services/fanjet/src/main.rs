//! `fanjet`: every role of the cluster in one program. What a role does is in its library; nothing may depend on this package.

mod settings;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fanjet_config::{Flags, Fragment, Role as _, fail, process_env};
use fanjet_output::{hide_passwords, stderr};
use fanjet_standalone::serve::ServeSettings;
use fanjet_standalone::{prepare, serve, tail};

/// The sections of all roles: `serve` has them all.
const TREE: &[Fragment] = ServeSettings::FRAGMENTS;

/// The exit code for flags that cannot be used, as clap has it.
const EXIT_USAGE: u8 = 2;

/// A relay for ATProto in one process or many: reads a firehose once, keeps it as one ordered log, serves it to clients of
/// Bluesky's Jetstream protocol.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// In one process: read a firehose, keep it in a log, serve it to Jetstream clients
    Serve(Box<serve::Args>),
    /// The same with a simulated firehose, no network and nothing kept; prints events as they arrive
    Demo(demo::Args),
    /// Print the events of any Jetstream server
    Tail(tail::Args),
    /// In a cluster: read a firehose and keep it as one ordered log in NATS JetStream
    Ingest(Flags),
    /// In a cluster: serve the log in NATS JetStream to Jetstream clients
    Edge(Flags),
    /// In a cluster: produce the log in NATS JetStream to Kafka; takes at-kafka's flags and environment variables
    Kafka(Box<fanjet_kafka::Args>),
    /// Make what a cluster keeps in NATS, or give it these settings' limits; then exit
    Prepare(prepare::Args),
    /// Print what every setting of every role means, is by default, and may be (Markdown)
    Settings,
}

fn main() -> ExitCode {
    let role = match Cli::try_parse() {
        Ok(cli) => cli.role,
        Err(error) => return not_understood(&error),
    };
    match role {
        Role::Serve(args) => serve::main(*args),
        Role::Demo(args) => demo::main(args),
        Role::Tail(args) => tail::main(args),
        Role::Ingest(flags) => fanjet_service::run(TREE, &flags, fanjet_ingest::serve),
        Role::Edge(flags) => fanjet_service::run(TREE, &flags, fanjet_edge::serve),
        Role::Kafka(args) => match args.into_flags(&process_env()) {
            Ok(flags) => kafka(&flags),
            Err(failure) => fail(&failure, failure.code()),
        },
        Role::Prepare(args) => prepare::main(args),
        Role::Settings => settings::main(),
    }
}

/// The flags cannot be used, or ask for help. An error is for nobody to wait for, and may quote an address with its password.
fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let words = error.render();
    let words = match std::io::stderr().is_terminal() {
        true => words.ansi().to_string(),
        false => words.to_string(),
    };
    stderr().write(hide_passwords(&words).as_bytes());
    ExitCode::from(EXIT_USAGE)
}

#[cfg(feature = "kafka")]
fn kafka(flags: &Flags) -> ExitCode {
    fanjet_service::run(TREE, flags, fanjet_kafka::produce)
}

#[cfg(not(feature = "kafka"))]
fn kafka(_flags: &Flags) -> ExitCode {
    fail(fanjet_kafka::NO_CLIENT, fanjet_config::EXIT_CONFIG)
}

#[cfg(feature = "demo")]
use fanjet_standalone::demo;

#[cfg(not(feature = "demo"))]
mod demo {
    use std::process::ExitCode;

    use fanjet_config::{EXIT_CONFIG, fail};

    /// Whatever the role is told elsewhere.
    #[derive(Debug, clap::Args)]
    pub(crate) struct Args {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        all: Vec<String>,
    }

    pub(crate) fn main(_args: Args) -> ExitCode {
        let what = "this build has no simulated firehose: `cargo run -p fanjet -- demo` in a checkout has it";
        fail(what, EXIT_CONFIG)
    }
}
