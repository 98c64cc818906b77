//! `POST /api/reports`: what test runners write, as a raw body or as the files of a form. The reports of one request are one
//! run, which becomes the document of an upload and goes its way.

use std::fs::File;
use std::io::Write;

use axum::extract::{FromRequest, Multipart, RawQuery, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::StreamExt;
use schema::intake_report::UploadFault;
use serde_json::{Value, json};
use web::openapi::{Body, Operation};

use super::upload::{self, DocumentOrigin, take_document};
use crate::checks::body::{MAX_BODY_BYTES, TOO_LARGE};
use crate::checks::parts::{self, cut};
use crate::checks::refuse_encoded;
use crate::checks::report_parameters::{NAMES, ReportParameters};
use crate::checks::upload::RequiredMembers;
use crate::converted_reports::{ConvertedDocument, PostedFile};
use crate::error::{IntakeError, bad, faulty, not_kept};
use crate::sender::{API_KEY, Sender};
use crate::state::Intake;

/// The longest value of a form's field, bytes.
const MAX_FIELD_BYTES: usize = 64 << 10;
/// The most files and fields of a form.
const MAX_PARTS: usize = 2000;
/// The longest name of a file, characters.
const MAX_NAME_CHARACTERS: usize = 200;
/// What a report is called that came without a name.
const UNNAMED: &str = "the report";

/// `POST /api/reports`.
pub(crate) const OPERATION: Operation = Operation {
    parameters: &[&NAMES, &schema::configuration::MEMBERS],
    body: Some(Body { media: "application/octet-stream", schema: body_schema }),
    ..Operation::post(
        "/api/reports",
        "Take in one run as its test runner reports it: JUnit XML, CTRF, TAP, go test -json and others, as they are, in \
              gzip or in zip; as a body, or as files of a form whose other fields are parameters, too. The answer is that of \
              an upload",
        upload::OPERATION.answer,
        upload::OPERATION.errors,
    )
};

fn body_schema() -> Value {
    json!({ "type": "string", "format": "binary" })
}

pub(crate) async fn take(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    mut sender: Sender,
    request: Request,
) -> Result<Response, IntakeError> {
    refuse_encoded(&sender.headers)?;
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).into_owned().collect();
    let files = if is_form(&sender.headers) {
        let parts = Multipart::from_request(request, &()).await;
        let parts = parts.map_err(|error| bad(format!("The form cannot be read: {error}")))?;
        let Form { files, api_key } = read_form(parts, &mut pairs).await?;
        sender.identify(&intake.door, api_key.as_deref())?;
        files
    } else {
        // A wrong address, or a missing key, is told before a long body was sent.
        sender.identify(&intake.door, None)?;
        ReportParameters::read(&pairs)?;
        vec![read_body(request).await?]
    };
    let parameters = ReportParameters::read(&pairs)?;
    if files.is_empty() {
        return Err(faulty(UploadFault::NoReport, "No report provided: post it as the body, or as a file of a form"));
    }
    let document = intake.conversions.document(files, parameters, &intake.body_memory).await?;
    let ConvertedDocument { body, memory: _memory, has_start } = document;
    take_document(&intake, sender, body, DocumentOrigin { required: RequiredMembers::None, has_start }).await
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Files that grow up to a bound which they share.
#[derive(Default)]
struct Spool {
    bytes: usize,
}

impl Spool {
    fn write(&mut self, file: &mut File, chunk: &[u8]) -> Result<(), IntakeError> {
        self.bytes += chunk.len();
        if self.bytes > MAX_BODY_BYTES {
            return Err(TOO_LARGE);
        }
        file.write_all(chunk).map_err(|error| not_kept("upload", &error))
    }
}

fn new_file() -> Result<File, IntakeError> {
    tempfile::tempfile().map_err(|error| not_kept("upload", &error))
}

/// The body as one file.
async fn read_body(request: Request) -> Result<PostedFile, IntakeError> {
    let (mut spool, mut file) = (Spool::default(), new_file()?);
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        spool.write(&mut file, &chunk.map_err(|error| bad(format!("The body was cut off: {error}")))?)?;
    }
    Ok(PostedFile { name: UNNAMED.to_owned(), file })
}

/// What a form holds beside parameters.
struct Form {
    files: Vec<PostedFile>,
    api_key: Option<String>,
}

/// The files of a form, and its key; its other fields are added to the parameters.
async fn read_form(mut form_parts: Multipart, pairs: &mut Vec<(String, String)>) -> Result<Form, IntakeError> {
    let (mut spool, mut files, mut api_key) = (Spool::default(), Vec::new(), None);
    while let Some(mut part) = form_parts.next_field().await.map_err(cut)? {
        if files.len() + pairs.len() >= MAX_PARTS {
            return Err(bad(format!(
                "The form has more than {MAX_PARTS} files and fields; put the reports into a zip"
            )));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(file_name) = part.file_name().map(shown_name) {
            let mut file = new_file()?;
            while let Some(chunk) = part.chunk().await.map_err(cut)? {
                spool.write(&mut file, &chunk)?;
            }
            files.push(PostedFile { name: file_name, file });
            continue;
        }
        let text = parts::field(&mut part, MAX_FIELD_BYTES).await?;
        let text =
            text.ok_or_else(|| bad(format!("'{name}' is too long: a report is sent as a file, with a file name")))?;
        let text = String::from_utf8(text).map_err(|_| bad(format!("'{name}' is no text in UTF-8")))?;
        // A key is no parameter: in an address, it would be logged.
        if name == API_KEY { api_key = Some(text) } else { pairs.push((name, text)) }
    }
    Ok(Form { files, api_key })
}

/// What a file is called in messages.
fn shown_name(name: &str) -> String {
    let name: String = name.chars().filter(|one| !one.is_control()).take(MAX_NAME_CHARACTERS).collect();
    if name.is_empty() { UNNAMED.to_owned() } else { name }
}
