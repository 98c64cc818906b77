//! Reports that are one JSON document. The members of the document tell its form, whatever their order.

mod ctrf;
mod form;
mod ginkgo;
mod googletest;
mod jest;
mod meter;
mod playwright;
mod pytest;
pub(crate) mod repair;
mod resultsdb;
mod walk;

use std::io::BufRead;

use serde_json::Value;

use crate::error::Stop;
use crate::format::Format;
use crate::model::Source;
use crate::run::Assembler;
use form::{Context, Form};
use walk::{Handler, Want};

struct Document<'c, 'a> {
    context: Context<'c, 'a>,
    forms: [(Format, Box<dyn Form>); 7],
    /// The form that was asked for; any where there is none.
    asked: Option<Format>,
    told: Option<Format>,
}

/// The form that a member of the document belongs to.
fn owner(member: &str) -> Option<Format> {
    Some(match member {
        "results" => Format::Ctrf,
        "testResults" | "wasInterrupted" => Format::Jest,
        "suites" | "config" | "errors" | "stats" => Format::Playwright,
        "testsuites" => Format::GoogleTest,
        walk::ELEMENT => Format::Ginkgo,
        "tests" | "collectors" | "exitcode" | "environment" => Format::Pytest,
        "test_results" | "problems" | "run" | "timestamp" => Format::Resultsdb,
        _ => return None,
    })
}

/// The form that only such a path has.
fn tells(path: &[&str]) -> Option<Format> {
    Some(match path {
        ["results", "tests"] => Format::Ctrf,
        ["testResults"] => Format::Jest,
        ["suites"] => Format::Playwright,
        ["testsuites"] => Format::GoogleTest,
        ["test_results", "results"] => Format::Resultsdb,
        [walk::ELEMENT, "SpecReports"] => Format::Ginkgo,
        ["exitcode" | "collectors"] | ["tests", walk::ELEMENT] => Format::Pytest,
        _ => return None,
    })
}

pub(crate) fn read(
    input: &mut dyn BufRead,
    format: Option<Format>,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    let forms: [(Format, Box<dyn Form>); 7] = [
        (Format::Ctrf, Box::<ctrf::Ctrf>::default()),
        (Format::Jest, Box::<jest::Jest>::default()),
        (Format::Playwright, Box::<playwright::Playwright>::default()),
        (Format::GoogleTest, Box::new(googletest::GoogleTest)),
        (Format::Pytest, Box::<pytest::Pytest>::default()),
        (Format::Resultsdb, Box::<resultsdb::Resultsdb>::default()),
        (Format::Ginkgo, Box::<ginkgo::Ginkgo>::default()),
    ];
    let mut document = Document { context: Context { out, source }, forms, asked: format, told: None };
    let outcome = walk::walk(input, &mut document);
    let Some(told) = document.told.filter(|&told| format.is_none_or(|format| format == told)) else {
        return outcome.and(Err(Stop::OtherFormat));
    };
    document.context.source.format = told.as_str();
    let ended = document.with(told, |form, context| form.end(context)).unwrap_or(Ok(()));
    outcome.and(ended)
}

impl<'a, 'c> Document<'c, 'a> {
    fn with<T>(&mut self, format: Format, what: impl FnOnce(&mut dyn Form, &mut Context<'c, 'a>) -> T) -> Option<T> {
        let (_, form) = self.forms.iter_mut().find(|(known, _)| *known == format)?;
        Some(what(form.as_mut(), &mut self.context))
    }
}

impl Handler for Document<'_, '_> {
    fn want(&mut self, path: &[String]) -> Want {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(member) = path.first() else { return Want::Enter };
        self.told = self.told.or(tells(&path));
        let Some(owner) = owner(member) else { return Want::Skip };
        // Members of another form are none of the document's.
        if self.asked.or(self.told).is_some_and(|form| form != owner) {
            return Want::Skip;
        }
        self.with(owner, |form, _| form.want(&path)).unwrap_or(Want::Skip)
    }

    fn take(&mut self, path: &[String], value: Value) -> Result<(), Stop> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let owner = path.first().and_then(|member| owner(member));
        owner.and_then(|owner| self.with(owner, |form, context| form.take(&path, value, context))).unwrap_or(Ok(()))
    }

    fn leave(&mut self, path: &[String]) -> Result<(), Stop> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let owner = path.first().and_then(|member| owner(member));
        owner.and_then(|owner| self.with(owner, |form, context| form.leave(&path, context))).unwrap_or(Ok(()))
    }
}
