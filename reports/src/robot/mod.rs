//! Robot Framework's `output.xml`, of version 4 and later. Names are `{suite}::{name}`, with all suites around.
//!
//! Not carried: the zone of starts; attempts before the last, unless `rebot --merge` joined them. A test says PASS where only its suite's tear-down failed: that
//! is a problem of the suite.

pub(crate) mod merged;

use std::io::BufRead;

use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test, Text};
use crate::name::{Field, Name};
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;
use crate::xml::{Element, Xml};

/// What Robot Framework says of tests that it did not reach and calls failed.
const NOT_REACHED: [&str; 4] = [
    "Failure occurred and exit-on-failure mode is in use.",
    "Error occurred and exit-on-error mode is in use.",
    "Test execution stopped due to a fatal error.",
    "Execution terminated by signal",
];

/// How a failed test ended, by the message that Robot Framework writes.
pub(crate) fn failed(message: &str) -> Status {
    const AROUND: [&str; 5] = [
        "Setup failed:",
        "Teardown failed:",
        "Parent suite setup failed:",
        "Parent suite teardown failed:",
        "Several failures occurred:\n\n1) Setup failed:",
    ];
    if AROUND.iter().any(|start| message.starts_with(start)) || NOT_REACHED.contains(&message.trim()) {
        Status::Error
    } else if ["Test timeout ", "Task timeout "].iter().any(|start| message.starts_with(start))
        && message.trim_end().ends_with(" exceeded.")
    {
        Status::Timeout
    } else {
        Status::Failed
    }
}

/// How a skipped test ended: with `--skiponfailure`, or the tag of that name, it failed and that was expected.
pub(crate) fn skipped(message: &str, tagged: bool) -> Status {
    if message.starts_with("Failed test skipped using ") || tagged && message.contains("Original failure:") {
        Status::ExpectedFailure
    } else {
        Status::Skipped
    }
}

struct Outcome {
    word: String,
    message: String,
    started: Option<Stamp>,
    milliseconds: Option<f64>,
}

pub(crate) fn read<R: BufRead>(
    xml: &mut Xml<R>,
    root: &Element,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    source.tool =
        root.get("generator").map_or_else(|| Some("Robot Framework".to_owned()), |tool| Some(tool.to_owned()));
    source.started = root.get("generated").and_then(Stamp::parse);
    while let Some(element) = xml.child()? {
        match element.name.as_str() {
            "suite" => suite(xml, &element, &Name::new(), "", out)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn suite<R: BufRead>(
    xml: &mut Xml<R>,
    element: &Element,
    around: &Name,
    file: &str,
    out: &mut Assembler<'_>,
) -> Result<(), Stop> {
    let name = around.clone().with(Field::Suite, element.attribute("name"));
    let file = element.get("source").unwrap_or(file);
    while let Some(inner) = xml.child()? {
        match inner.name.as_str() {
            "suite" => suite(xml, &inner, &name, file, out)?,
            "test" | "task" => {
                let case = test(xml, &inner, &name, file)?;
                out.add(case)?;
            }
            "status" => {
                let status = status(xml, &inner)?;
                if status.word == "FAIL" && status.message.starts_with("Suite teardown failed:") {
                    out.problem(Problem::outside(&name.joined(), &status.message, Status::Error));
                }
            }
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn test<R: BufRead>(xml: &mut Xml<R>, element: &Element, suite: &Name, file: &str) -> Result<Case, Stop> {
    let mut tags = Vec::new();
    let mut outcome = None;
    while let Some(inner) = xml.child()? {
        match inner.name.as_str() {
            "status" => outcome = Some(status(xml, &inner)?),
            "tag" => tag(xml, &mut tags)?,
            // Version 4 and before have a list.
            "tags" => {
                while xml.child()?.is_some() {
                    tag(xml, &mut tags)?;
                }
            }
            _ => xml.skip()?,
        }
    }
    let outcome = outcome.ok_or_else(|| xml.broken("a test has no status"))?;
    let tagged = tags.iter().any(|(_, tag)| tag == "robot:skip-on-failure");
    let by_word = |word: &str, message: &str| match word {
        "PASS" => Status::Passed,
        "SKIP" | "NOT RUN" => skipped(message, tagged),
        _ => failed(message),
    };
    let (message, earlier) = merged::parts(&outcome.message);
    let last = Attempt::new(by_word(&outcome.word, &message), outcome.milliseconds);
    let last = last.with_start(outcome.started).with_message(&message);
    let attempts =
        earlier.iter().map(|run| Attempt::new(by_word(&run.word, &run.message), None).with_message(&run.message));
    let attempts = attempts.chain([last]).collect();
    let mut test = Test::new(suite.clone().with(Field::Name, element.attribute("name")), attempts);
    test.file = Some(file.to_owned()).filter(|file| !file.is_empty());
    test.line = element.get("line").and_then(|line| line.parse().ok());
    test.properties = tags;
    Ok(Case { test, repeat: Repeat::Distinct })
}

fn tag<R: BufRead>(xml: &mut Xml<R>, tags: &mut Vec<(String, String)>) -> Result<(), Stop> {
    let tag = xml.text(limits::NAME_BYTES)?;
    if tags.len() < limits::PROPERTIES {
        tags.push(("tag".to_owned(), tag));
    }
    Ok(())
}

/// A status with its time: `start` and `elapsed` since version 7, `starttime` and `endtime` before.
fn status<R: BufRead>(xml: &mut Xml<R>, element: &Element) -> Result<Outcome, Stop> {
    let message = Text::new(&xml.text(limits::MESSAGE_BYTES)?, limits::MESSAGE_BYTES);
    let stamp = |name: &str| element.get(name).and_then(Stamp::parse);
    let started = stamp("start").or_else(|| stamp("starttime"));
    let milliseconds = match element.get("elapsed") {
        Some(elapsed) => number::milliseconds(elapsed),
        None => started.as_ref().zip(stamp("endtime")).and_then(|(start, end)| start.until(&end)),
    };
    let word = element.attribute("status").to_owned();
    Ok(Outcome { word, message: message.as_str().trim().to_owned(), started, milliseconds })
}
