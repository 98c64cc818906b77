//! Arguments as people type them, for tests.

use clap::{Args, Parser};

#[derive(Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    arguments: A,
}

/// The arguments that the words behind a command's name mean.
pub(crate) fn arguments<A: Args>(words: &[&str]) -> Result<A, clap::Error> {
    Ok(Line::try_parse_from(["command"].iter().chain(words))?.arguments)
}
