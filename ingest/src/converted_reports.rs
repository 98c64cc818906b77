//! Makes the document of an upload from reports of test runners, on a thread of its own: reports may be large, and reading
//! them takes time.

use std::fs::File;
use std::io::{BufWriter, Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use reports::document::DocumentWriter;
use reports::{Item, Options, ReportError, RunReader};
use schema::intake_report::UploadFault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::blocking::blocking;

use crate::checks::body::BodyMemory;
use crate::checks::report_parameters::ReportParameters;
use crate::error::{IntakeError, bad, faulty, not_kept};

/// Requests whose reports are read at the same time: each keeps a core busy.
const AT_ONCE: usize = 2;

/// Bounds how many requests' reports are read at the same time.
#[derive(Clone)]
pub(crate) struct Conversions(Arc<Semaphore>);

impl Default for Conversions {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// A file with reports, as it was posted.
pub(crate) struct PostedFile {
    /// What its sender calls it, for messages.
    pub(crate) name: String,
    /// Its contents.
    pub(crate) file: File,
}

/// A document in the memory that all bodies share.
pub(crate) struct ConvertedDocument {
    pub(crate) body: Bytes,
    pub(crate) memory: OwnedSemaphorePermit,
    /// Whether the sender or the reports say when the run started.
    pub(crate) has_start: bool,
}

/// The start of a run in its document, if nobody says when it was.
const NO_START: i64 = 0;

impl Conversions {
    /// The document of the run that some files are.
    pub(crate) async fn document(
        &self,
        files: Vec<PostedFile>,
        parameters: ReportParameters,
        memory: &BodyMemory,
    ) -> Result<ConvertedDocument, IntakeError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let _turn = turn.map_err(|_| IntakeError::Unavailable("The intake is shutting down".into()))?;
        let (mut document, has_start) = blocking(move || convert(files, parameters)).await??;
        let length = document.metadata().map_err(|error| not_kept("upload", &error))?.len();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let memory = memory.reserve(length).await?;
        let body = blocking(move || {
            let mut body = Vec::with_capacity(length);
            document.rewind()?;
            document.read_to_end(&mut body)?;
            Ok(Bytes::from(body))
        });
        let body = body.await?.map_err(|error: std::io::Error| not_kept("upload", &error))?;
        Ok(ConvertedDocument { body, memory, has_start })
    }
}

fn unreadable(error: ReportError) -> IntakeError {
    let fault = match error {
        ReportError::Unknown { .. } | ReportError::OtherFormat { .. } => UploadFault::UnknownForm,
        ReportError::Empty { .. } => UploadFault::EmptyReport,
        ReportError::Nothing { .. } => UploadFault::NoReport,
        _ => UploadFault::Other,
    };
    faulty(fault, error.to_string())
}

/// Writes the document to a file that has no name; also whether it has a start.
fn convert(files: Vec<PostedFile>, parameters: ReportParameters) -> Result<(File, bool), IntakeError> {
    let ReportParameters { head, format } = parameters;
    let kept = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => bad(error.to_string()),
        _ => not_kept("upload", &error),
    };
    let out = tempfile::tempfile().map_err(kept)?;
    let mut writer = DocumentWriter::new(BufWriter::new(out)).map_err(kept)?;
    let mut failed = None;
    let mut sink = |item: Item| {
        let written = match item {
            Item::Test(test) => writer.test(&test, &[]),
            Item::Problem(problem) => {
                writer.problem(&problem);
                Ok(())
            }
            Item::Source(source) => {
                writer.source(&source);
                Ok(())
            }
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let mut run = RunReader::new(Options { format, ..Options::default() }, &mut sink);
    for PostedFile { name, file } in files {
        run.read_file(&name, file).map_err(unreadable)?;
    }
    run.finish().map_err(unreadable)?;
    if let Some(error) = failed {
        return Err(kept(error));
    }
    let (out, written) = writer.finish(head, NO_START).map_err(kept)?;
    let out = out.into_inner().map_err(|error| kept(error.into_error()))?;
    Ok((out, written.timestamp != NO_START))
}
