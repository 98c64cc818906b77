//! The one binary: starts the services, and the tools around them.
//!
//! `serve` runs everything in one process on the embedded engines; `ingest`, `processor` and
//! `query` run one service each against Kafka and ClickHouse. The services cannot tell which.

mod backup;
mod causes;
mod commits;
mod config;
mod demo;
mod doctor;
mod export;
mod folders;
mod keys;
mod listen;
mod memory;
mod metrics;
mod observe;
mod private_files;
mod protection;
mod rebuild;
mod right;
mod rules;
mod serve;
mod servers;
mod shards;
mod sql_user;
mod sweep;
mod traces;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use client::options::ServerOptions;
use tokio::runtime::Runtime;

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
    #[command(flatten)]
    Service(Service),
    #[command(flatten)]
    Tool(Tool),
    #[command(flatten)]
    Backup(backup::Command),
    /// Check whether all is well with a deployment, or with what `serve` uses, and say what to do
    Doctor(doctor::Arguments),
    #[command(flatten)]
    Client(client::Command),
}

/// Runs until it is told to stop.
#[derive(Subcommand)]
enum Service {
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
        /// Let anybody in who reaches the address, though it is not one of this machine alone
        #[arg(long)]
        open: bool,
    },
    /// Run the intake against Kafka and ClickHouse
    Ingest {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
        /// Let anybody in who reaches the address, though it is not one of this machine alone
        #[arg(long)]
        open: bool,
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
        /// Let anybody in who reaches the address, though it is not one of this machine alone
        #[arg(long)]
        open: bool,
    },
}

/// Does its work and ends.
#[derive(Subcommand)]
enum Tool {
    /// Create or update the topics and tables
    Migrate {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
    /// Make views anew from the events, beside those that are read, and swap them in
    Rebuild {
        /// Configuration file (TOML): of a deployment, which goes on meanwhile, or the one that `serve` uses
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: Option<PathBuf>,
        /// What `serve` uses, which must not run
        #[arg(long)]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        arguments: rebuild::Arguments,
    },
    /// Remove archives and results from the blob store that no event names any more; the services do so by themselves
    Sweep {
        /// Configuration file (TOML): of a deployment, which goes on meanwhile, or the one that `serve` uses
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: Option<PathBuf>,
        /// What `serve` uses, which must not run
        #[arg(long)]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        arguments: sweep::Arguments,
    },
    /// Write facts as Parquet files to the blob store; with [export] in the configuration the services do so by themselves
    Export {
        /// Configuration file (TOML): of a deployment, which goes on meanwhile, or the one that `serve` uses
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: Option<PathBuf>,
        /// What `serve` uses, which must not run
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
    /// Print the statements that make the user of ClickHouse as which SQL of others is asked
    SqlUser {
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
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
    /// Register commits
    Commits {
        #[command(subcommand)]
        command: CommitsCommand,
    },
    /// Thresholds of verdicts
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Make, list and end keys
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Upload a realistic data set
    Demo {
        #[command(flatten)]
        server: ServerOptions,
    },
}

#[derive(Subcommand)]
enum RulesCommand {
    /// Say which verdicts the thresholds of a configuration file would change
    Preview {
        /// Configuration file (TOML) with the proposed [[rules]]
        #[arg(long)]
        config: PathBuf,
        /// Runs that started within so many weeks
        #[arg(long, default_value_t = 4)]
        weeks: u64,
        /// One suite; every suite that ran lately without
        #[arg(long)]
        suite: Option<String>,
        #[command(flatten)]
        server: ServerOptions,
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
        #[command(flatten)]
        server: ServerOptions,
        /// Configuration file (TOML)
        #[arg(long, env = "RESULTSDB_CONFIG")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    memory::give_back();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {}", causes::told(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { set, command } = arguments;
    let runtime = || Runtime::new().context("starting the runtime");
    let load = |config: Option<&Path>| config::Config::load(config, &set);
    match command {
        Command::Client(command) => return command.run(),
        Command::Service(service) => service.run(&runtime()?, load)?,
        Command::Doctor(arguments) => {
            let checked = load(arguments.config()).and_then(|config| {
                // The lines say what is wrong; what libraries say of it comes on top for who asks.
                let _traces = std::env::var_os("RUST_LOG").map(|_| traces::start("tool", None)).transpose()?;
                runtime()?.block_on(doctor::lines(&arguments, &config))
            });
            return doctor::report(&arguments, checked);
        }
        Command::Backup(command) => {
            let runtime = runtime()?;
            let _traces = traces::start("tool", None)?;
            runtime.block_on(command.run())?;
        }
        Command::Tool(tool) => {
            let runtime = runtime()?;
            let _traces = traces::start("tool", None)?;
            tool.run(&runtime, load)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration of the deployment that a command is for, where it is not for what `serve` uses.
fn said(config: Option<PathBuf>, what: &str) -> anyhow::Result<PathBuf> {
    config.ok_or_else(|| not_said(what))
}

/// What a command says that is neither for a deployment nor for what `serve` uses.
fn not_said(what: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "it is not said what to {what}: give --config FILE for a deployment, or --data-dir DIR for what `serve` uses"
    )
}

impl Service {
    fn run(
        self,
        runtime: &Runtime,
        load: impl Fn(Option<&Path>) -> anyhow::Result<config::Config>,
    ) -> anyhow::Result<()> {
        let (name, file) = match &self {
            Self::Serve { config, .. } => ("serve", config.as_deref()),
            Self::Ingest { config, .. } => ("ingest", Some(config.as_path())),
            Self::Processor { config } => ("processor", Some(config.as_path())),
            Self::Query { config, .. } => ("query", Some(config.as_path())),
        };
        let config = load(file)?;
        let _traces = traces::start(name, config.traces.collector.as_deref())?;
        match self {
            Self::Serve { data_dir, listen, demo, open, .. } => {
                protection::check(&config, &listen, open)?;
                runtime.block_on(serve::embedded(&data_dir, &listen, config, demo))
            }
            Self::Ingest { open, .. } => {
                protection::check(&config, &config.listen, open)?;
                runtime.block_on(serve::ingest(&config))
            }
            Self::Processor { .. } => runtime.block_on(serve::processor(&config)),
            Self::Query { open, .. } => {
                protection::check(&config, &config.listen, open)?;
                runtime.block_on(serve::query(&config))
            }
        }
    }
}

impl Tool {
    fn run(
        self,
        runtime: &Runtime,
        load: impl Fn(Option<&Path>) -> anyhow::Result<config::Config>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Migrate { config } => runtime.block_on(serve::migrate(&load(Some(&config))?)),
            Self::Rebuild { config, data_dir: Some(data_dir), arguments } => {
                runtime.block_on(rebuild::embedded(&data_dir, &load(config.as_deref())?, arguments))
            }
            Self::Rebuild { config, data_dir: None, arguments } => {
                runtime.block_on(rebuild::deployed(&load(Some(&said(config, "rebuild")?))?, arguments))
            }
            Self::Sweep { config, data_dir: Some(data_dir), arguments } => {
                runtime.block_on(sweep::embedded(&data_dir, &load(config.as_deref())?, arguments))
            }
            Self::Sweep { config, data_dir: None, arguments } => {
                runtime.block_on(sweep::deployed(&load(Some(&said(config, "sweep")?))?, arguments))
            }
            Self::Export { config, data_dir: Some(data_dir) } => {
                runtime.block_on(export::embedded(&data_dir, &load(config.as_deref())?))
            }
            Self::Export { config, data_dir: None } => {
                runtime.block_on(export::deployed(&load(Some(&said(config, "export")?))?))
            }
            Self::SqlUser { config } => sql_user::print(&load(Some(&config))?),
            Self::Engine { data_dir, port, password_file } => {
                runtime.block_on(serve::engine(&data_dir, port, &password_file))
            }
            Self::Commits { command: CommitsCommand::Import { repository, branch, server, config } } => {
                commits::import(&load(Some(&config))?, &repository, branch.as_deref(), &server.server()?)
            }
            Self::Rules { command: RulesCommand::Preview { config, weeks, suite, server } } => {
                rules::preview(&config, suite.as_deref(), weeks, &server.server()?)
            }
            Self::Demo { server } => demo::post(&server.server()?),
            Self::Keys { command } => command.run(),
        }
    }
}
