//! One input, read.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;

use reports::document::{DocumentWriter, Head};
use reports::{Item, Options, RunReader};

use crate::packing::Packing;
use crate::targets::Target;

/// What an input was read as.
#[derive(Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) items: Vec<Item>,
    /// Why it could not be read, or not to its end.
    pub(crate) errors: Vec<String>,
}

/// Reads an input and keeps what it says.
pub(crate) fn read(target: &Target, bytes: &[u8]) -> io::Result<Reading> {
    let mut items = Vec::new();
    let errors = each(target, bytes, &mut |item| items.push(item))?;
    Ok(Reading { items, errors })
}

/// Reads an input and writes what it says as a document, without keeping it: what `upload` does. The document.
pub(crate) fn write(target: &Target, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = DocumentWriter::new(Vec::new())?;
    let mut outcome = Ok(());
    each(target, bytes, &mut |item| match item {
        Item::Test(test) => outcome = std::mem::replace(&mut outcome, Ok(())).and_then(|()| writer.test(&test, &[])),
        Item::Problem(problem) => writer.problem(&problem),
        Item::Source(source) => writer.source(&source),
    })?;
    outcome?;
    writer.finish(Head::default(), 0).map(|(document, _)| document)
}

/// Reads an input and hands on what it says; why it could not be read.
pub(crate) fn each(target: &Target, bytes: &[u8], take: &mut dyn FnMut(Item)) -> io::Result<Vec<String>> {
    let mut sink = |item| {
        take(item);
        ControlFlow::Continue(())
    };
    let options = Options { format: target.format, ..Options::default() };
    let mut run = RunReader::new(options, &mut sink);
    let read = match target.packing {
        Packing::ZipFile => run.read_file("input", file(bytes)?),
        _ => run.read("input", bytes),
    };
    Ok(read.err().into_iter().chain(run.finish().err()).map(|error| error.to_string()).collect())
}

fn file(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(file)
}
