//! The same uploads and questions to this build and to another one, by turns in one run.

mod questions;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::questions::QUESTIONS;
use crate::documents;
use crate::random::Random;
use crate::report::{percentile, show};
use crate::server::{Server, agent, upload};
use crate::{MIB, Spread, TESTS, now, remarks, upload_all};

/// Times that each question is asked in a round.
const ASKED: usize = 7;
/// Uploads one after the other, of which the time until they are visible is taken.
const ALONE: usize = 7;
/// Seconds without a change on disk before questions are asked.
const QUIET: Duration = Duration::from_secs(15);

/// What is compared with what.
#[derive(Debug, Args)]
pub(crate) struct Versus {
    /// The other server's executable
    #[arg(long, required_unless_present = "other_url")]
    other: Option<PathBuf>,
    /// Large uploads to each
    #[arg(long, default_value_t = 320)]
    uploads: usize,
    /// Weeks up to now that they are spread over
    #[arg(long, default_value_t = 4)]
    weeks: u64,
    /// Rounds of questions
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A running server of this build that has the uploads; nothing is loaded then
    #[arg(long, requires = "other_url")]
    url: Option<String>,
    /// The same of the other build
    #[arg(long, requires = "url")]
    other_url: Option<String>,
}

/// One of the two builds.
struct Side {
    url: String,
    /// The server, where this has started it.
    server: Option<Server>,
}

/// Loads both, asks both, and prints what each takes.
pub(crate) fn measure(binary: &Path, versus: &Versus) -> anyhow::Result<()> {
    println!("| figure | here | other | times as good | target |\n|---|---|---|---|---|");
    let sides = match (&versus.url, &versus.other_url, &versus.other) {
        (Some(url), Some(other), _) => [url, other].map(|url| Side { url: url.clone(), server: None }),
        (_, _, Some(other)) => loaded([binary, other], versus)?,
        _ => anyhow::bail!("name the other build with --other, or two servers with --url and --other-url"),
    };
    let names = documents::names(TESTS);
    let (agent, mut random) = (agent(), Random(now()?));
    let mut times: Vec<[Option<Vec<Duration>>; 2]> = QUESTIONS.iter().map(|_| [Some(vec![]), Some(vec![])]).collect();
    let mut number = random.below(1000) as usize;
    for _ in 0..versus.rounds {
        for (question, times) in QUESTIONS.iter().zip(&mut times) {
            for _ in 0..ASKED {
                number += 1;
                let test = &names[random.below(names.len() as u64) as usize];
                let (path, body) = question.asked(number, &utf8_percent_encode(test, NON_ALPHANUMERIC).to_string());
                for (side, times) in sides.iter().zip(times.iter_mut()) {
                    let took = ask(&agent, &format!("{}{path}", side.url), body.as_deref())?;
                    // A build that does not know a question is not compared by it.
                    *times = times.take().zip(took).map(|(times, took)| [times, vec![took]].concat());
                }
            }
        }
    }
    for (question, [here, other]) in QUESTIONS.iter().zip(&mut times) {
        let median = |times: &mut Option<Vec<Duration>>| times.as_mut().map(|times| percentile(times, 50));
        print(question.what, [median(here), median(other)], question.target);
    }
    for side in sides {
        side.server.map(Server::stop).transpose()?;
    }
    Ok(())
}

/// How long an answer takes; none if the server does not know the question.
fn ask(agent: &ureq::Agent, url: &str, body: Option<&str>) -> anyhow::Result<Option<Duration>> {
    let begun = Instant::now();
    let asked = match body {
        Some(body) => agent.post(url).content_type("application/json").send(body),
        None => agent.get(url).call(),
    };
    match asked {
        Ok(mut answer) => {
            answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
            Ok(Some(begun.elapsed()))
        }
        Err(ureq::Error::StatusCode(400 | 404 | 405)) => Ok(None),
        Err(error) => Err(anyhow::anyhow!("asking {url}: {error}")),
    }
}

fn print(what: &str, [here, other]: [Option<Duration>; 2], target: Option<Duration>) {
    let told = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), show);
    let ratio = here.zip(other).map(|(here, other)| other.as_secs_f64() / here.as_secs_f64().max(f64::EPSILON));
    let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.1}"));
    let is_missed = here.zip(target).is_some_and(|(here, target)| here > target);
    let target = target.map_or_else(String::new, |target| format!("≤ {}", show(target)));
    println!(
        "| {what} | {} | {} | {ratio} | {target}{} |",
        told(here),
        told(other),
        if is_missed { " MISSED" } else { "" }
    );
}

/// Starts both builds and loads them with the same, one after the other.
fn loaded(binaries: [&Path; 2], versus: &Versus) -> anyhow::Result<[Side; 2]> {
    let names = documents::names(TESTS);
    let spread = Spread { uploads: versus.uploads, weeks: versus.weeks };
    let mut sides = Vec::new();
    let mut figures: Vec<[f64; 4]> = Vec::new();
    for binary in binaries {
        let server = Server::start(binary)?;
        let begun = Instant::now();
        upload_all(&server.url, 0..versus.uploads, spread, 8)?;
        let rate = (versus.uploads * TESTS) as f64 / begun.elapsed().as_secs_f64();
        server.settle("store", QUIET)?;
        let bytes = server.bytes_of("store")? as f64 / (versus.uploads * TESTS) as f64;
        let mut alone = Vec::new();
        for index in 0..ALONE {
            let commit = versus.uploads + index;
            let document = documents::run(&names, index, commit, now()? - (ALONE - index) as u64, commit as u64);
            alone.push(upload(&agent(), &server.url, &document)?);
        }
        remarks::post(&server.url)?;
        let visible = percentile(&mut alone, 50).as_secs_f64() * 1000.0;
        figures.push([rate, visible, bytes, server.memory()?.0 as f64 / MIB]);
        sides.push(Side { url: server.url.clone(), server: Some(server) });
    }
    let [here, other] = [figures[0], figures[1]];
    println!(
        "| results per second, visible, beside the generator | {:.0} | {:.0} | {:.2} | |",
        here[0],
        other[0],
        here[0] / other[0]
    );
    let target = if here[1] > 60.0 { "≤ 60.0 ms MISSED" } else { "≤ 60.0 ms" };
    println!(
        "| one upload of 60,000 tests visible, p50 | {:.1} ms | {:.1} ms | {:.1} | {target} |",
        here[1],
        other[1],
        other[1] / here[1]
    );
    println!(
        "| bytes per result, all views and documents, before the last merges | {:.2} | {:.2} | {:.2} | |",
        here[2],
        other[2],
        other[2] / here[2]
    );
    println!("| memory after loading, MiB | {:.0} | {:.0} | {:.1} | |", here[3], other[3], other[3] / here[3]);
    let sides: Result<[Side; 2], _> = sides.try_into();
    sides.map_err(|_| anyhow::anyhow!("two builds are compared"))
}
