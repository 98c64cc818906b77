//! Where reports come from: files, folders, patterns, archives and standard input.

mod paths;
mod utf16;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
pub use paths::expand;

use crate::error::ReportError;
use crate::limits;

/// What may still be read of a run, bytes after decompression.
#[derive(Clone)]
pub(crate) struct Budget(Rc<Cell<u64>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(limits::REPORT_BYTES)))
    }
}

struct Bounded<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.budget.0.get().checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("{} GiB", limits::REPORT_BYTES >> 30))
        })?;
        self.budget.0.set(left);
        Ok(count)
    }
}

type Take<'t> = &'t mut dyn FnMut(&str, &mut dyn Read) -> Result<(), ReportError>;

/// Hands on the report, or each report of an archive, in plain bytes.
pub(crate) fn open<'i>(
    report: &str,
    input: Box<dyn Read + 'i>,
    budget: &mut Budget,
    take: Take<'_>,
) -> Result<(), ReportError> {
    unpack(report, input, budget, take, 2)
}

/// Hands on the report at a path, or each report of an archive there.
pub(crate) fn open_path(path: &Path, budget: &mut Budget, take: Take<'_>) -> Result<(), ReportError> {
    let report = path.to_string_lossy();
    let failed = |cause| ReportError::Io { report: report.to_string(), cause };
    open_file(&report, File::open(path).map_err(failed)?, budget, take)
}

/// The same of a file that is open.
pub(crate) fn open_file(report: &str, mut file: File, budget: &mut Budget, take: Take<'_>) -> Result<(), ReportError> {
    let failed = |cause| ReportError::Io { report: report.to_owned(), cause };
    io::Seek::rewind(&mut file).map_err(failed)?;
    let mut magic = [0; 4];
    let count = file.read(&mut magic).map_err(failed)?;
    io::Seek::rewind(&mut file).map_err(failed)?;
    if &magic[..count] == ZIP { zip(report, file, budget, take) } else { open(report, Box::new(file), budget, take) }
}

const ZIP: &[u8] = b"PK\x03\x04";

fn unpack<'i>(
    report: &str,
    input: Box<dyn Read + 'i>,
    budget: &mut Budget,
    take: Take<'_>,
    depth: u32,
) -> Result<(), ReportError> {
    let mut input = BufReader::with_capacity(32 << 10, input);
    let failed = |cause| ReportError::Io { report: report.to_owned(), cause };
    let head = loop {
        match input.fill_buf() {
            Ok(head) => break head,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(failed(cause)),
        }
    };
    if head.starts_with(&[0x1f, 0x8b]) && depth > 0 {
        return unpack(report, Box::new(MultiGzDecoder::new(input)), budget, take, depth - 1);
    }
    if head.starts_with(ZIP) && depth > 0 {
        return zip_stream(report, &mut input, budget, take);
    }
    let wide = utf16::order(head);
    let mut bounded = Bounded { inner: input, budget: budget.clone() };
    match wide {
        None => take(report, &mut bounded),
        Some(order) => take(report, &mut utf16::Utf16::new(bounded, order)),
    }
}

fn zip(report: &str, file: File, budget: &mut Budget, take: Take<'_>) -> Result<(), ReportError> {
    let broken =
        |reason: zip::result::ZipError| ReportError::Archive { report: report.to_owned(), reason: reason.to_string() };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let named = archive.file_names().enumerate().filter_map(|(index, name)| Some((name.ok()?.into_owned(), index)));
    let mut names: Vec<(String, usize)> = named.filter(|(name, _)| paths::may_be_report(name)).collect();
    names.sort();
    check_count(report, names.len())?;
    let mut first = Ok(());
    for (name, index) in &names {
        let entry = archive.by_index(*index).map_err(broken)?;
        let outcome = unpack(&format!("{report}/{name}"), Box::new(entry), budget, take, 1);
        first = first.and(ignore_unknown(outcome));
    }
    if names.is_empty() { Err(ReportError::Nothing { pattern: report.to_owned() }) } else { first }
}

/// The reports of an archive that comes as a stream, in the order of the archive.
fn zip_stream(report: &str, input: &mut dyn Read, budget: &mut Budget, take: Take<'_>) -> Result<(), ReportError> {
    let mut count = 0;
    let mut first = Ok(());
    let mut input = input;
    loop {
        let entry = zip::read::read_zipfile_from_stream(&mut input);
        let entry =
            entry.map_err(|reason| ReportError::Archive { report: report.to_owned(), reason: reason.to_string() })?;
        let Some(entry) = entry else { break };
        let name = entry.name().map_or_else(|_| String::new(), std::borrow::Cow::into_owned);
        if entry.is_file() && paths::may_be_report(&name) {
            count += 1;
            check_count(report, count)?;
            let name = format!("{report}/{name}");
            first = first.and(ignore_unknown(unpack(&name, Box::new(entry), budget, take, 1)));
        }
    }
    if count == 0 { Err(ReportError::Nothing { pattern: report.to_owned() }) } else { first }
}

fn check_count(report: &str, count: usize) -> Result<(), ReportError> {
    let large = || ReportError::TooLarge { report: report.to_owned(), limit: format!("{} files", limits::FILES) };
    if count > limits::FILES { Err(large()) } else { Ok(()) }
}

/// Archives and folders hold other files beside the reports.
pub(crate) fn ignore_unknown(outcome: Result<(), ReportError>) -> Result<(), ReportError> {
    match outcome {
        Err(error) if error.is_no_report() => Ok(()),
        outcome => outcome,
    }
}
