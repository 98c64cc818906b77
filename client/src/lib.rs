//! What people run in their pipelines, without servers and engine: commands, their arguments and what they print.
//!
//! Each command is a module with its arguments and a function that runs it, so that `resultsdb` offers the same commands as
//! this crate's own small binary. Data flow of a run: `options`, `ci` and `git` say what the run belongs to (`context`);
//! `collect` reads the reports and writes the document; `delivery` sends it to the `server` or leaves it in the `spool`;
//! `gate` asks what is known of its failures, `change` what is known of all runs of a change together; `summary` tells people and programs.
//! `attempt` runs a command again and again, and asks only how often its test failed before.

mod answered;
mod archive;
pub mod attempt;
pub mod change;
mod ci;
mod ci_token;
mod collect;
mod context;
mod delivery;
mod environment;
pub mod gate;
mod git;
pub mod import;
mod machine;
mod markdown;
pub mod options;
mod owners;
mod progress;
pub mod quarantine;
pub mod read;
mod ready;
pub mod register;
mod request_error;
mod roots;
pub mod run;
pub mod send_owners;
pub mod server;
pub mod split;
mod spool;
#[cfg(test)]
mod stand_in;
mod summary;
mod terminal;
pub mod trust;
#[cfg(test)]
mod typed;
pub mod upload;
mod written;

use environment::Environment;

/// The commands that need no server of their own.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print what test reports say, one JSON line a test.
    Read(read::ReadArgs),
    /// Upload the reports of a run, or documents that are ready.
    Upload(Box<upload::UploadArgs>),
    /// Run a test command, upload its reports and end as it did.
    Run(Box<run::RunArgs>),
    /// Upload the run of a change, and succeed only if nothing that failed is new.
    Gate(Box<gate::GateArgs>),
    /// Say what is known of a change under review with all its runs, and succeed only if nothing that failed is new.
    Change(Box<change::ChangeArgs>),
    /// Run a test command again and again, and say with what certainty a test that failed is fixed.
    Attempt(Box<attempt::AttemptArgs>),
    /// Bring commits and uploads over from a running resultsdbpy or resultsdb.
    Import(import::ImportArgs),
    /// Send a file that says who owns the tests of a suite.
    Owners(send_owners::OwnersArgs),
    /// Print the share of the tests that one of several parallel jobs is to run.
    Split(split::SplitArgs),
    /// Say which failures do not count for a time, list what was said, and write it for test runners.
    Quarantine(quarantine::QuarantineArgs),
}

impl Command {
    /// Runs the command, printing to standard output and standard error.
    ///
    /// # Errors
    /// What kept the command from being run at all.
    pub fn run(&self) -> anyhow::Result<std::process::ExitCode> {
        match self {
            Self::Read(args) => {
                let mut out = std::io::BufWriter::new(std::io::stdout().lock());
                args.run(&mut std::io::stdin().lock(), &mut out, &mut std::io::stderr().lock())
            }
            Self::Upload(args) => args.run(&Environment::of_process()),
            Self::Run(args) => args.run(&Environment::of_process()),
            Self::Gate(args) => args.run(&Environment::of_process()),
            Self::Change(args) => args.run(&Environment::of_process()),
            Self::Attempt(args) => args.run(),
            Self::Import(args) => args.run(),
            Self::Owners(args) => args.run(),
            Self::Split(args) => args.run(&Environment::of_process()),
            Self::Quarantine(args) => args.run(),
        }
    }
}
