//! JUnit XML, in the dialects of those who write it.
//!
//! The tool is told first, by the root, the suites, their properties and the first testcase (`tell`); the rules of its
//! dialect (`dialect`, one file a tool) then say what each testcase means. `raw` has the elements as they stand.

mod dialect;
mod raw;
mod tell;

mod bats;
mod bazel;
mod behave;
mod catch2;
mod ctest;
mod generic;
mod ginkgo;
mod googletest;
mod gotestsum;
mod gradle;
mod jest;
pub(crate) mod mocha;
mod nextest;
pub(crate) mod node;
mod phpunit;
mod playwright;
mod prove;
pub(crate) mod pytest;
mod robot;
mod rspec;
mod surefire;
mod unittest;
mod vitest;

use std::io::BufRead;

use crate::error::Stop;
use crate::limits;
use crate::model::{Problem, Source, Status, Text};
use crate::run::Assembler;
use crate::stamp::Stamp;
use crate::xml::{Element, Event, Xml};
use dialect::Dialect;
use raw::{Child, Kind, Raw, Suite};

/// Properties of a suite that are read; a suite of Surefire has all of the JVM's.
const SUITE_PROPERTIES: usize = 512;

/// The children of a testcase that are kept.
const CHILDREN: usize = limits::ATTEMPTS;

/// Texts and attributes of all children of a testcase, or of all errors of a suite, that are kept.
const CASE_BYTES: usize = 1 << 20;

/// Outputs and properties of all suites around a testcase that are kept, bytes of each.
const SUITE_BYTES: usize = 4 << 20;

struct Reading<'r, 'a> {
    out: &'r mut Assembler<'a>,
    root: Element,
    declared: bool,
    suites: Vec<Suite>,
    dialect: Option<Box<dyn Dialect>>,
    held: Vec<Raw>,
    held_bytes: usize,
    /// Errors directly below the innermost suite.
    errors: Vec<Child>,
    /// Testcases of the innermost suite so far, and whether one of them broke.
    count: usize,
    broken: bool,
}

pub(crate) fn read<R: BufRead>(
    xml: &mut Xml<R>,
    root: Element,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    let declared = xml.is_declared();
    let mut reading = Reading {
        out,
        root: root.clone(),
        declared,
        suites: Vec::new(),
        dialect: None,
        held: Vec::new(),
        held_bytes: 0,
        errors: Vec::new(),
        count: 0,
        broken: false,
    };
    let outcome = reading.root(xml, root, source);
    source.tool = reading.dialect.as_ref().map(|dialect| dialect.tool().to_owned()).filter(|tool| !tool.is_empty());
    // What a report that is broken off had given before is kept.
    let rest = reading.settle();
    outcome.and(rest)
}

impl Reading<'_, '_> {
    fn root<R: BufRead>(&mut self, xml: &mut Xml<R>, root: Element, source: &mut Source) -> Result<(), Stop> {
        self.open(xml, root, source)?;
        // Files that were written one behind the other into one have several roots.
        loop {
            match xml.next()? {
                Event::Start(element) => {
                    self.root = element.clone();
                    self.dialect = None;
                    self.open(xml, element, source)?;
                }
                Event::Eof => return Ok(()),
                Event::End | Event::Text(_) => {}
            }
        }
    }

    fn open<R: BufRead>(&mut self, xml: &mut Xml<R>, element: Element, source: &mut Source) -> Result<(), Stop> {
        match element.name.as_str() {
            "testsuites" => self.suites_element(xml, source),
            "testsuite" => self.suite(xml, element, source),
            "testcase" => self.testcase(xml, element),
            _ => xml.skip(),
        }
    }

    fn suites_element<R: BufRead>(&mut self, xml: &mut Xml<R>, source: &mut Source) -> Result<(), Stop> {
        while let Some(element) = xml.child()? {
            match element.name.as_str() {
                "properties" => properties(xml, &mut source.properties, limits::PROPERTIES)?,
                _ => self.open(xml, element, source)?,
            }
        }
        Ok(())
    }

    fn suite<R: BufRead>(&mut self, xml: &mut Xml<R>, element: Element, source: &mut Source) -> Result<(), Stop> {
        self.settle()?;
        if self.suites.is_empty() {
            self.dialect = None;
            source.host = source.host.take().or_else(|| element.get("hostname").map(str::to_owned));
            source.started = source.started.take().or_else(|| element.get("timestamp").and_then(Stamp::parse));
        }
        self.suites.push(Suite { element, ..Suite::default() });
        self.count = 0;
        self.broken = false;
        while let Some(element) = xml.child()? {
            match element.name.as_str() {
                "testsuite" => self.suite(xml, element, source)?,
                "testcase" => self.testcase(xml, element)?,
                "properties" => {
                    let mut found = Vec::new();
                    properties(xml, &mut found, SUITE_PROPERTIES)?;
                    self.suite_properties(found, source);
                }
                "system-out" => {
                    let kept: usize = self.suites.iter().map(|suite| suite.output.len()).sum();
                    let text = xml.text(limits::XML_TEXT_BYTES.min(SUITE_BYTES.saturating_sub(kept)))?;
                    if let Some(suite) = self.suites.last_mut() {
                        suite.output = text;
                    }
                }
                "error" | "failure" => {
                    let kind = Kind::of(&element.name).unwrap_or(Kind::Error);
                    let mut child = child(xml, kind, element)?;
                    if self.errors.iter().map(Child::bytes).sum::<usize>() + child.bytes() > CASE_BYTES {
                        child.shorten();
                    }
                    if self.errors.len() < CHILDREN {
                        self.errors.push(child);
                    }
                }
                _ => xml.skip()?,
            }
        }
        self.settle()?;
        self.suite_end()?;
        self.suites.pop();
        Ok(())
    }

    fn suite_properties(&mut self, found: Vec<(String, String)>, source: &mut Source) {
        let room = limits::PROPERTIES.saturating_sub(source.properties.len());
        for property in found.iter().take(room) {
            if !source.properties.contains(property) {
                source.properties.push(property.clone());
            }
        }
        let kept: usize = self.suites.iter().map(Suite::property_bytes).sum();
        if let Some(suite) = self.suites.last_mut() {
            let others = kept - suite.property_bytes();
            suite.properties = found;
            if others + suite.property_bytes() > SUITE_BYTES {
                suite.properties = Vec::new();
            }
        }
    }

    fn suite_end(&mut self) -> Result<(), Stop> {
        let Some(suite) = self.suites.last().cloned() else { return Ok(()) };
        let (errors, count, broken) = (std::mem::take(&mut self.errors), self.count, self.broken);
        if errors.is_empty() && suite.output.is_empty() {
            return Ok(());
        }
        let dialect = self.tell(&Raw::default());
        let problems: Vec<_> = errors.iter().filter_map(|error| dialect.suite_error(&suite, error, broken)).collect();
        let case = dialect.suite_case(&suite, count);
        for problem in problems {
            self.out.problem(problem);
        }
        case.map_or(Ok(()), |case| self.test(case))
    }

    fn testcase<R: BufRead>(&mut self, xml: &mut Xml<R>, element: Element) -> Result<(), Stop> {
        let case = testcase(xml, element)?;
        let holds = self.tell(&case).holds_suites();
        if !holds {
            return self.test(case);
        }
        self.held_bytes += case.bytes();
        self.held.push(case);
        if self.held_bytes > limits::HELD_BYTES { self.settle() } else { Ok(()) }
    }

    /// Hands on the testcases that were held until their suite ends.
    fn settle(&mut self) -> Result<(), Stop> {
        self.held_bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        if let (Some(dialect), Some(suite)) = (&self.dialect, self.suites.last()) {
            dialect.settle(&mut held, suite);
        }
        held.into_iter().try_for_each(|case| self.test(case))
    }

    fn tell(&mut self, case: &Raw) -> &mut dyn Dialect {
        let (root, suites, declared) = (&self.root, &self.suites, self.declared);
        self.dialect.get_or_insert_with(|| tell::tell(root, declared, suites, case)).as_mut()
    }

    fn test(&mut self, case: Raw) -> Result<(), Stop> {
        let suites = std::mem::take(&mut self.suites);
        let dialect = self.dialect.get_or_insert_with(|| Box::new(generic::Generic));
        let outcome = if dialect.is_nothing(&case) {
            None
        } else if case.name().is_empty() && case.class().is_empty() && case.status.is_none() {
            // googletest writes so what broke in the environment around all tests.
            Some(Err(if case.broken().is_some() {
                Problem::outside(suites.last().map_or("", Suite::name), &case.message(), Status::Error)
            } else {
                let message = "a test had begun when the run was cut off; the report does not name it";
                Problem::incomplete("", message, Status::Error)
            }))
        } else if let Some(problem) = dialect.problem(&case, &suites) {
            Some(Err(problem))
        } else {
            let mut attempts = dialect.attempts(&case);
            attempts.truncate(limits::ATTEMPTS);
            self.count += 1;
            self.broken |= attempts.last().is_some_and(|attempt| attempt.status.is_failure());
            let (name, repeat) = (dialect.name(&case, &suites), dialect.repeat(&case));
            Some(Ok(case.case(name, attempts, repeat)))
        };
        self.suites = suites;
        match outcome {
            None => Ok(()),
            Some(Ok(case)) => self.out.add(case),
            Some(Err(problem)) => {
                self.out.problem(problem);
                Ok(())
            }
        }
    }
}

fn testcase<R: BufRead>(xml: &mut Xml<R>, element: Element) -> Result<Raw, Stop> {
    let mut case = Raw { element, ..Raw::default() };
    let mut output = Text::default();
    let mut bytes = 0;
    while let Some(element) = xml.child()? {
        match Kind::of(&element.name) {
            Some(kind) => {
                let mut child = child(xml, kind, element)?;
                bytes += child.bytes();
                if bytes > CASE_BYTES {
                    child.shorten();
                }
                if case.children.len() < CHILDREN {
                    case.children.push(child);
                }
            }
            None if element.name == "properties" => {
                properties(xml, &mut case.properties, limits::PROPERTIES)?;
            }
            None if element.name == "system-out" || element.name == "system-err" => {
                let text = xml.text(limits::OUTPUT_BYTES)?;
                output.push(&text, limits::OUTPUT_BYTES);
            }
            None => xml.skip()?,
        }
    }
    case.output = output.as_str().to_owned();
    Ok(case)
}

fn child<R: BufRead>(xml: &mut Xml<R>, kind: Kind, element: Element) -> Result<Child, Stop> {
    let (mut text, mut output) = (Text::default(), Text::default());
    loop {
        match xml.next()? {
            Event::Start(element) => {
                let inner = xml.text(limits::MESSAGE_BYTES)?;
                let kept = if element.name.starts_with("system-") { &mut output } else { &mut text };
                kept.push(&inner, limits::MESSAGE_BYTES);
            }
            Event::Text(piece) => text.push(&piece, limits::MESSAGE_BYTES),
            Event::End | Event::Eof => break,
        }
    }
    let element = element.cut(limits::MESSAGE_BYTES);
    Ok(Child { kind, element, text: text.as_str().to_owned(), output: output.as_str().to_owned() })
}

fn properties<R: BufRead>(xml: &mut Xml<R>, into: &mut Vec<(String, String)>, limit: usize) -> Result<(), Stop> {
    while let Some(element) = xml.child()? {
        let text = xml.text(limits::NAME_BYTES)?;
        if element.name == "property" && into.len() < limit {
            let value = element.get("value").map_or(text, str::to_owned);
            let end = value.floor_char_boundary(limits::NAME_BYTES);
            let name = element.attribute("name");
            into.push((name[..name.floor_char_boundary(limits::NAME_BYTES)].to_owned(), value[..end].to_owned()));
        }
    }
    Ok(())
}
