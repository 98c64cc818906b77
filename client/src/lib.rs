//! What people run in their pipelines, without servers and engine: commands, their arguments and what they print.
//!
//! Each command is a file with its arguments and a function that runs it, so that `resultsdb` offers the same commands as
//! this crate's own small binary. `read` prints what reports say; `roots` tells which folders are taken off paths.

pub mod read;
mod roots;

/// The commands that need no server of their own.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print what test reports say, one JSON line a test.
    Read(read::ReadArgs),
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
        }
    }
}
