//! Reports in XML, whose form the root element tells.

use std::io::BufRead;

use crate::error::Stop;
use crate::format::Format;
use crate::model::Source;
use crate::run::Assembler;
use crate::xml::{Event, Xml};
use crate::{junit, nunit, opentest, robot, trx};

/// Reads a report in XML, whose form its root element tells.
pub(crate) fn read(
    input: &mut dyn BufRead,
    format: Option<Format>,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<(), Stop> {
    let mut xml = Xml::new(input);
    let root = loop {
        match xml.next()? {
            Event::Start(root) => break root,
            Event::Eof => return Ok(()),
            Event::End | Event::Text(_) => {}
        }
    };
    let found = match root.name.as_str() {
        "testsuites" | "testsuite" | "testcase" => Format::Junit,
        "robot" => Format::Robot,
        "TestRun" => Format::Trx,
        "test-run" => Format::Nunit,
        "events" | "execution" => Format::OpenTest,
        _ => return Err(Stop::OtherFormat),
    };
    if format.is_some_and(|format| format != found) {
        return Err(Stop::OtherFormat);
    }
    source.format = found.as_str();
    match found {
        Format::Robot => robot::read(&mut xml, &root, out, source),
        Format::Trx => trx::read(&mut xml, &root, out, source),
        Format::Nunit => nunit::read(&mut xml, &root, out, source),
        Format::OpenTest => opentest::read(&mut xml, &root, out, source),
        _ => junit::read(&mut xml, root, out, source),
    }
}
