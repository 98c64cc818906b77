//! Fills an empty deployment with the recorded uploads, asks it everything that was recorded, and says what it answers
//! otherwise: `contract URL [URL-OF-THE-QUERY-SERVICE]`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use test_support::contract::Corpus;

fn main() -> ExitCode {
    let urls: Vec<String> = std::env::args().skip(1).collect();
    let [intake, others @ ..] = urls.as_slice() else {
        eprintln!("say where the deployment is: contract URL [URL-OF-THE-QUERY-SERVICE]");
        return ExitCode::FAILURE;
    };
    let outcome = Corpus::load().replay(intake, others.first().unwrap_or(intake));
    outcome.failures.iter().for_each(|failure| eprintln!("{failure}"));
    println!("{} answers as recorded, {} otherwise", outcome.passed, outcome.failures.len());
    if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
