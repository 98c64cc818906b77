//! The one binary: starts the services, and the tools around them.
//!
//! `serve` runs everything in one process on the embedded engines; the services cannot tell.

mod config;
mod demo;
mod serve;
mod upload;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about = "The database of every result of every automated test")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything in one process, on embedded engines
    Serve {
        /// Where the event log and the tables live
        #[arg(long, env = "RESULTSDB_DATA_DIR")]
        data_dir: PathBuf,
        /// Address to listen on; port 0 picks a free one
        #[arg(long, env = "RESULTSDB_LISTEN", default_value = "127.0.0.1:8080")]
        listen: String,
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: Option<PathBuf>,
        /// Fill an empty database with the demonstration data set
        #[arg(long)]
        demo: bool,
    },
    /// Upload result documents
    Upload {
        /// JSON documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Address of a server
        #[arg(long, env = "RESULTSDB_URL")]
        url: String,
    },
    /// Upload a realistic data set
    Demo {
        /// Address of a server
        #[arg(long, env = "RESULTSDB_URL")]
        url: String,
    },
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,lsm_tree=warn,fjall=warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    match Arguments::parse().command {
        Command::Serve { data_dir, listen, config, demo } => {
            let config = config::Config::load(config.as_deref())?;
            runtime.block_on(serve::embedded(&data_dir, &listen, &config, demo))
        }
        Command::Upload { files, url } => upload::files(&files, &url),
        Command::Demo { url } => demo::post(&url),
    }
}
