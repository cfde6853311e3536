//! `fanjet`: every role of the cluster in one program. Each role is a library, and no other package may depend on this one.

mod settings;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fanjet_config::{Flags, Fragment, Role as _, fail, process_env};
use fanjet_output::{hide_passwords, stderr, stdout};
use fanjet_standalone::serve::ServeSettings;
use fanjet_standalone::{prepare, serve, tail};

/// The sections of all roles: `serve` has them all.
const TREE: &[Fragment] = ServeSettings::FRAGMENTS;

/// The exit code for invalid flags, the same as clap's.
const EXIT_USAGE: u8 = 2;

/// A relay for ATProto, in one process or many: it reads a firehose once, keeps it as one ordered log, and serves it to clients
/// of Bluesky's Jetstream protocol.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Run everything in one process: read a firehose, keep it in a log, serve it to Jetstream clients
    Serve(Box<serve::Args>),
    /// Try it without a network: serve a simulated firehose, keep nothing, and print events as they arrive
    Demo(demo::Args),
    /// Print the events of any Jetstream server
    Tail(tail::Args),
    /// In a cluster: read a firehose and keep it as one ordered log in NATS JetStream
    Ingest(Flags),
    /// In a cluster: read labelers and keep their frames as one ordered log in NATS JetStream
    Labels(Flags),
    /// In a cluster: serve the log in NATS JetStream to Jetstream clients
    Edge(Flags),
    /// In a cluster: send the log in NATS JetStream to Kafka; accepts at-kafka's flags and environment variables
    Kafka(Box<fanjet_kafka::Args>),
    /// Create a cluster's streams and buckets in NATS, or update their limits, then exit
    Prepare(prepare::Args),
    /// Print every setting of every role with its meaning, default and allowed values (Markdown)
    Settings,
}

fn main() -> ExitCode {
    let role = match Cli::try_parse() {
        Ok(cli) => cli.role,
        Err(error) => return help_or_usage(&error),
    };
    match role {
        Role::Serve(args) => serve::main(*args),
        Role::Demo(args) => demo::main(args),
        Role::Tail(args) => tail::main(args),
        Role::Ingest(flags) => fanjet_service::run(TREE, &flags, fanjet_ingest::serve),
        Role::Labels(flags) => fanjet_service::run(TREE, &flags, fanjet_ingest::serve_labels),
        Role::Edge(flags) => fanjet_service::run(TREE, &flags, fanjet_edge::serve),
        Role::Kafka(args) => match args.into_flags(&process_env()) {
            Ok(flags) => kafka(&flags),
            Err(failure) => fail(&failure, failure.code()),
        },
        Role::Prepare(args) => prepare::main(args),
        Role::Settings => settings::main(),
    }
}

/// Prints the help that the flags ask for, or what is wrong with them. An output without a reader must not delay the exit, and an
/// error may quote an address with its password.
fn help_or_usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    let shown = |is_terminal| match is_terminal {
        true => text.ansi().to_string(),
        false => text.to_string(),
    };
    if error.use_stderr() {
        let text = shown(std::io::stderr().is_terminal());
        stderr().write(hide_passwords(&text).as_bytes());
        ExitCode::from(EXIT_USAGE)
    } else {
        stdout().write(shown(std::io::stdout().is_terminal()).as_bytes());
        ExitCode::SUCCESS
    }
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

    /// The arguments of the role in other builds, all ignored.
    #[derive(Debug, clap::Args)]
    pub(crate) struct Args {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        all: Vec<String>,
    }

    pub(crate) fn main(_args: Args) -> ExitCode {
        let reason =
            "this build has no simulated firehose; run `cargo run -p fanjet -- demo` in a checkout";
        fail(reason, EXIT_CONFIG)
    }
}
