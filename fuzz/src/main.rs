//! `fuzz`: gives whatever takes bytes of anyone many spoilt inputs, and prints what became of them.
//!
//! `--write N` writes input N of one target to standard output; one of reports is for `resultsdb read -`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use fuzz::memory::Counting;
use fuzz::{Campaign, Subject, floods, input, subjects};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Parser)]
#[command(about = "Gives readers hostile bytes")]
struct Arguments {
    /// Inputs of each target
    #[arg(long, default_value_t = 10_000)]
    inputs: u64,
    /// What decides all draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of the first input
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// One target, by its name, repeatable; all where there is none
    #[arg(long)]
    target: Vec<String>,
    /// Targets at a time
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Writes the input with this number to standard output in place of reading any
    #[arg(long)]
    write: Option<u64>,
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { inputs, seed, first, target, threads, write } = Arguments::parse();
    let all = subjects();
    if let Some(unknown) = target.iter().find(|name| all.iter().all(|known| known.name() != **name)) {
        let names: Vec<&str> = all.iter().map(|known| known.name()).collect();
        bail!("there is no target {unknown}; the targets are {}", names.join(", "));
    }
    let is_meant = |known: &&dyn Subject| target.is_empty() || target.iter().any(|name| name == known.name());
    let targets: Vec<&dyn Subject> = all.into_iter().filter(is_meant).collect();
    if let Some(number) = write {
        let [target] = targets.as_slice() else { bail!("--write needs one --target") };
        std::io::stdout().write_all(&input(*target, seed, number)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Panics are counted and told at the end.
    std::panic::set_hook(Box::new(|_| {}));
    let outcomes = Campaign { seed, first, inputs, threads }.run(&targets).context("the campaign cannot be run")?;
    println!(
        "| target | inputs | tests or understood | inputs/s | slowest | peak memory | panics |\n|---|---|---|---|---|---|---|"
    );
    for outcome in &outcomes {
        println!(
            "| {} | {} | {} | {:.0} | {:.1} ms | {:.1} MiB | {} |",
            outcome.name,
            outcome.inputs,
            outcome.tests,
            outcome.inputs as f64 / outcome.elapsed.as_secs_f64(),
            outcome.slowest.as_secs_f64() * 1000.0,
            outcome.peak as f64 / f64::from(1 << 20),
            outcome.panics,
        );
    }
    let mut well = true;
    for outcome in &outcomes {
        for failure in &outcome.failures {
            well = false;
            println!("{} --seed {seed} --write {}: {}", outcome.name, failure.number, failure.what);
        }
    }
    if target.is_empty() {
        for flood in floods::FLOODS {
            let read = floods::read(&flood);
            well &= read.wrong().is_none();
            println!("{read}");
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
