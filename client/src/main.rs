//! `resultsdb-client`: the commands of resultsdb for pipelines.

use std::process::ExitCode;

use clap::Parser;

/// resultsdb's commands for pipelines: small, and without a server.
#[derive(Parser)]
#[command(name = "resultsdb-client", version)]
struct Arguments {
    #[command(subcommand)]
    command: client::Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
