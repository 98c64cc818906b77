//! NUnit 3, from its documented form. Names are `{class}::{name}`, the name with its arguments.
//!
//! Not carried: attempts before the last (`[Retry]`); time-outs, which are told by prose only.

use std::io::BufRead;

use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test};
use crate::name::Name;
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;
use crate::xml::{Element, Xml};

/// What stands inside a test or suite beside others.
#[derive(Default)]
struct Inner {
    message: String,
    output: String,
    properties: Vec<(String, String)>,
}

pub(crate) fn read<R: BufRead>(
    xml: &mut Xml<R>,
    root: &Element,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    source.tool = Some("NUnit".to_owned());
    source.started = root.get("start-time").and_then(Stamp::parse);
    while let Some(element) = xml.child()? {
        match element.name.as_str() {
            "test-suite" => suite(xml, &element, out)?,
            "test-case" => test(xml, &element, out)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn suite<R: BufRead>(xml: &mut Xml<R>, element: &Element, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let mut inner = Inner::default();
    while let Some(element) = xml.child()? {
        match element.name.as_str() {
            "test-suite" => suite(xml, &element, out)?,
            "test-case" => test(xml, &element, out)?,
            _ => inside(xml, &element, &mut inner)?,
        }
    }
    // Tests of a suite whose set-up failed say so themselves; the suite alone knows the reason.
    let own = matches!(element.attribute("site"), "SetUp" | "TearDown" | "Test") && !inner.message.is_empty();
    if element.attribute("result") == "Failed" && own {
        let name = element.get("fullname").unwrap_or_else(|| element.attribute("name"));
        out.problem(Problem::outside(name, &inner.message, Status::Error));
    }
    Ok(())
}

fn test<R: BufRead>(xml: &mut Xml<R>, element: &Element, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let mut inner = Inner::default();
    while let Some(element) = xml.child()? {
        inside(xml, &element, &mut inner)?;
    }
    let status = match (element.attribute("result"), element.attribute("label"), element.attribute("site")) {
        ("Passed" | "Warning", ..) => Status::Passed,
        ("Skipped" | "Inconclusive", ..) => Status::Skipped,
        (_, "Error" | "Cancelled" | "Invalid", _) | (_, _, "SetUp" | "TearDown" | "Parent") => Status::Error,
        _ => Status::Failed,
    };
    let ran = element.get("start-time").is_some();
    let milliseconds =
        element.get("duration").and_then(number::milliseconds).filter(|_| ran || status != Status::Skipped);
    let attempt = Attempt::new(status, milliseconds)
        .with_start(element.get("start-time").and_then(Stamp::parse))
        .with_message(&inner.message)
        .with_output(&inner.output);
    let (class, full, name) =
        (element.attribute("classname"), element.attribute("fullname"), element.attribute("name"));
    let name = if !class.is_empty() {
        Name::of_class(class, name)
    } else if full.is_empty() {
        Name::of_class("", name)
    } else {
        Name::of_class("", full)
    };
    let mut test = Test::new(name, vec![attempt]);
    test.properties = inner.properties;
    out.add(Case { test, repeat: Repeat::Distinct })
}

fn inside<R: BufRead>(xml: &mut Xml<R>, element: &Element, inner: &mut Inner) -> Result<(), Stop> {
    match element.name.as_str() {
        "failure" | "reason" => inner.message = xml.text(limits::MESSAGE_BYTES)?.trim().to_owned(),
        "output" => inner.output = xml.text(limits::OUTPUT_BYTES)?,
        "properties" => {
            while let Some(property) = xml.child()? {
                xml.skip()?;
                if inner.properties.len() < limits::PROPERTIES {
                    let property = property.cut(limits::NAME_BYTES);
                    let (name, value) = (property.attribute("name"), property.attribute("value"));
                    inner.properties.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        _ => xml.skip()?,
    }
    Ok(())
}
