//! TRX, which Visual Studio's test platform (`dotnet test --logger trx`) writes, from its schema. Names are
//! `{class}::{name}`. The class stands behind all results, with the definitions of the tests; results are held until then,
//! within [`limits::HELD_BYTES`].
//!
//! Not carried: attempts: each retry of a pipeline writes a file of its own.

use std::collections::HashMap;
use std::io::BufRead;

use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test, Text};
use crate::name::Name;
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;
use crate::xml::{Element, Xml};

struct Held {
    id: String,
    name: String,
    attempt: Attempt,
}

#[derive(Default)]
struct Results {
    held: Vec<Held>,
    /// What is held of results, and of classes, bytes.
    bytes: usize,
    classes: HashMap<String, String>,
    class_bytes: usize,
}

pub(crate) fn read<R: BufRead>(
    xml: &mut Xml<R>,
    _: &Element,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    source.tool = Some("Visual Studio Test Platform".to_owned());
    let mut results = Results::default();
    let outcome = run(xml, &mut results, out, source);
    let rest = results.hand_on(out);
    outcome.and(rest)
}

fn run<R: BufRead>(
    xml: &mut Xml<R>,
    results: &mut Results,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    while let Some(element) = xml.child()? {
        match element.name.as_str() {
            "Times" => {
                source.started = element.get("start").and_then(Stamp::parse);
                xml.skip()?;
            }
            "Results" => children(xml, &mut |xml, element| result(xml, &element, results, out, source))?,
            "TestDefinitions" => children(xml, &mut |xml, element| definition(xml, &element, results))?,
            "ResultSummary" => summary(xml, out)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

type Each<'e, R> = &'e mut dyn FnMut(&mut Xml<R>, Element) -> Result<(), Stop>;

fn children<R: BufRead>(xml: &mut Xml<R>, each: Each<'_, R>) -> Result<(), Stop> {
    while let Some(element) = xml.child()? {
        each(xml, element)?;
    }
    Ok(())
}

fn result<R: BufRead>(
    xml: &mut Xml<R>,
    element: &Element,
    results: &mut Results,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    let (mut message, mut output, mut rows) = (Text::default(), Text::default(), 0);
    while let Some(inner) = xml.child()? {
        match inner.name.as_str() {
            "Output" => children(xml, &mut |xml, part| {
                match part.name.as_str() {
                    "ErrorInfo" => children(xml, &mut |xml, _| {
                        let text = xml.text(limits::MESSAGE_BYTES)?;
                        message.push(&text, limits::MESSAGE_BYTES);
                        message.push("\n", limits::MESSAGE_BYTES);
                        Ok(())
                    })?,
                    "StdOut" | "StdErr" => {
                        output.push(&xml.text(limits::OUTPUT_BYTES)?, limits::OUTPUT_BYTES);
                    }
                    _ => xml.skip()?,
                }
                Ok(())
            })?,
            // The rows of a test with data, or the tests of an ordered test, are results of their own.
            "InnerResults" => children(xml, &mut |xml, row| {
                rows += 1;
                result(xml, &row, results, out, source)
            })?,
            _ => xml.skip()?,
        }
    }
    if rows > 0 {
        return Ok(());
    }
    source.host = source.host.take().or_else(|| element.get("computerName").map(str::to_owned));
    let status = status(element.attribute("outcome"));
    let ran = element.get("duration").is_some();
    let started = element.get("startTime").and_then(Stamp::parse).filter(|_| ran || status != Status::Skipped);
    let attempt = Attempt::new(status, element.get("duration").and_then(duration))
        .with_start(started)
        .with_message(message.as_str())
        .with_output(output.as_str());
    let (id, name) = (element.attribute("testId").to_owned(), element.attribute("testName").to_owned());
    results.bytes += message.as_str().len() + output.as_str().len() + id.len() + name.len() + 512;
    results.held.push(Held { id, name, attempt });
    if results.bytes > limits::HELD_BYTES { results.hand_on(out) } else { Ok(()) }
}

fn status(outcome: &str) -> Status {
    match outcome {
        "Passed" | "Completed" | "Warning" | "PassedButRunAborted" => Status::Passed,
        "NotExecuted" | "Inconclusive" | "Pending" => Status::Skipped,
        "Failed" => Status::Failed,
        "Timeout" => Status::Timeout,
        "Aborted" | "Disconnected" => Status::Crash,
        _ => Status::Error,
    }
}

/// `00:00:01.2000000`, with days before a dot, as milliseconds.
fn duration(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let (days, clock) = match text.split_once(':') {
        Some((hours, _)) if hours.contains('.') => text.split_once('.')?,
        _ => ("0", text),
    };
    for part in clock.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
    }
    number::from_seconds(seconds + days.parse::<f64>().ok()? * 86400.0)
}

fn definition<R: BufRead>(xml: &mut Xml<R>, element: &Element, results: &mut Results) -> Result<(), Stop> {
    let id = element.attribute("id").to_owned();
    children(xml, &mut |xml, inner| {
        xml.skip()?;
        if inner.name == "TestMethod" {
            let class = inner.attribute("className");
            // Older writers append the assembly: `Class, Assembly, Version=…`.
            let class = class.split_once(", ").map_or(class, |(class, _)| class);
            results.class_bytes += class.len() + id.len() + 64;
            if results.class_bytes <= limits::HELD_BYTES {
                results.classes.insert(id.clone(), class.to_owned());
            }
        }
        Ok(())
    })
}

/// What the platform says of the run as a whole.
fn summary<R: BufRead>(xml: &mut Xml<R>, out: &mut Assembler<'_>) -> Result<(), Stop> {
    children(xml, &mut |xml, element| {
        if element.name != "RunInfos" {
            return xml.skip();
        }
        children(xml, &mut |xml, info| {
            let text = xml.text(limits::MESSAGE_BYTES)?;
            if info.attribute("outcome") == "Error" {
                out.problem(Problem::outside("the run", &text, Status::Error));
            }
            Ok(())
        })
    })
}

impl Results {
    fn hand_on(&mut self, out: &mut Assembler<'_>) -> Result<(), Stop> {
        self.bytes = 0;
        for Held { id, name, attempt } in std::mem::take(&mut self.held) {
            let class = self.classes.get(&id).map_or("", String::as_str);
            // Some adapters write the class into the name too.
            let title =
                name.strip_prefix(class).and_then(|name| name.strip_prefix('.')).filter(|title| !title.is_empty());
            let test = Test::new(Name::of_class(class, title.unwrap_or(&name)), vec![attempt]);
            out.add(Case { test, repeat: Repeat::Distinct })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_clocks() {
        assert_eq!(duration("00:00:01.2000000"), Some(1200.0));
        assert_eq!(duration("1.02:03:04.5"), Some(93_784_500.0));
        assert_eq!(duration("00:00:00"), Some(0.0));
        assert_eq!(duration("soon"), None);
    }
}
