//! The one binary: starts the services, and the tools around them.
//!
//! `serve` runs everything in one process on the embedded engines; `ingest`, `processor` and
//! `query` run one service each against Kafka and ClickHouse. The services cannot tell which.

mod commits;
mod config;
mod demo;
mod observe;
mod rebuild;
mod serve;
mod upload;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about = "The database of every result of every automated test")]
struct Arguments {
    /// Set a member of the configuration, as in kafka.brokers=host:9092; RESULTSDB__KAFKA__BROKERS does the same
    #[arg(long = "set", value_name = "MEMBER=VALUE", global = true)]
    set: Vec<String>,
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
    /// Run the intake against Kafka and ClickHouse
    Ingest {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
    /// Run the processor against Kafka and ClickHouse
    Processor {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
    /// Run the pages and the query API against ClickHouse
    Query {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
    /// Create or update the topics and tables
    Migrate {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
    /// Make views anew from the events, beside those that are read, and swap them in
    Rebuild {
        /// Configuration file (TOML) of a deployment, which goes on meanwhile
        #[arg(long, env = "RESULTSDB_CONFIG", required_unless_present = "data_dir")]
        config: Option<PathBuf>,
        /// What `serve` uses, which must not run
        #[arg(long, conflicts_with = "config")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        arguments: rebuild::Arguments,
    },
    /// Run the embedded engine alone, as a ClickHouse server on the loopback interface
    Engine {
        /// Where the tables live
        #[arg(long, env = "RESULTSDB_DATA_DIR")]
        data_dir: PathBuf,
        /// Port to listen on; 0 picks a free one
        #[arg(long, default_value_t = 8123)]
        port: u16,
        /// A file that holds the password
        #[arg(long)]
        password_file: PathBuf,
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
    /// Register commits
    Commits {
        #[command(subcommand)]
        command: CommitsCommand,
    },
    /// Upload a realistic data set
    Demo {
        /// Address of a server
        #[arg(long, env = "RESULTSDB_URL")]
        url: String,
    },
}

#[derive(Subcommand)]
enum CommitsCommand {
    /// Register every commit of a branch, as the repository's configured source tells them
    Import {
        /// Id of the repository
        #[arg(long)]
        repository: String,
        /// The branch; without one, the repository's default branch
        #[arg(long)]
        branch: Option<String>,
        /// Address of a server
        #[arg(long, env = "RESULTSDB_URL")]
        url: String,
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
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
    let Arguments { set, command } = Arguments::parse();
    match command {
        Command::Serve { data_dir, listen, config, demo } => {
            let config = config::Config::load(config.as_deref(), &set)?;
            runtime.block_on(serve::embedded(&data_dir, &listen, &config, demo))
        }
        Command::Ingest { config } => runtime.block_on(serve::ingest(&config::Config::load(Some(&config), &set)?)),
        Command::Processor { config } => {
            runtime.block_on(serve::processor(&config::Config::load(Some(&config), &set)?))
        }
        Command::Query { config } => runtime.block_on(serve::query(&config::Config::load(Some(&config), &set)?)),
        Command::Migrate { config } => runtime.block_on(serve::migrate(&config::Config::load(Some(&config), &set)?)),
        Command::Rebuild { data_dir: Some(data_dir), arguments, .. } => {
            runtime.block_on(rebuild::embedded(&data_dir, arguments))
        }
        Command::Rebuild { config, data_dir: None, arguments } => {
            runtime.block_on(rebuild::deployed(&config::Config::load(config.as_deref(), &set)?, arguments))
        }
        Command::Engine { data_dir, port, password_file } => {
            runtime.block_on(serve::engine(&data_dir, port, &password_file))
        }
        Command::Upload { files, url } => upload::files(&files, &url),
        Command::Commits { command: CommitsCommand::Import { repository, branch, url, config } } => {
            commits::import(&config::Config::load(Some(&config), &set)?, &repository, branch.as_deref(), &url)
        }
        Command::Demo { url } => demo::post(&url),
    }
}
