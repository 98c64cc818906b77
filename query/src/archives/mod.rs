//! Archives of runs: the download, single files out of them, and where the parts of a suite's archives are found.
//!
//! Everything in an archive is hostile. Files are answered sandboxed and without their own scripts' reach into this
//! site, what is of no known type is saved rather than shown, and files are read one at a time and no further than [`contents::MAX_FILE_BYTES`].

mod compare;
mod contents;
mod family;
mod file_type;
mod listing;
mod origin;
mod rewrite;
mod view;

use answers::archives::Archive;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schema::configuration::version_text;
use tokio_util::io::ReaderStream;
use web::openapi::{Operation, text};

use crate::error::{ApiError, bad, broken, not_found};
use crate::layers::paths::Rest;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, runs};
use crate::service::{Service, Shared};
use contents::Contents;
pub use origin::{ArchiveOrigin, ArchiveOriginError, separate};
use origin::{AtOwnOrigin, FILES};

use file_type::{UNKNOWN, content_type, served_type};

/// Unpacks each file of an archive as a question for it would; how many there are.
///
/// # Errors
/// It is no archive, or a file cannot be unpacked.
pub fn unpack(archive: std::fs::File) -> Result<usize, ApiError> {
    let mut contents = Contents::open(archive)?;
    let names: Vec<String> = contents.names().map(str::to_owned).collect();
    for name in &names {
        contents.read(name)?;
    }
    contents.below("");
    Ok(names.len())
}

/// Bytes of different archives that one question may open.
const MAX_OPENED_BYTES: u64 = 2 << 30;
/// No script of an archived page may act for this site, or reach beyond it.
const SANDBOX: &str = "sandbox allow-scripts allow-popups; default-src 'self' 'unsafe-inline' data:; connect-src 'none'; \
                       form-action 'none'; base-uri 'none'";

async fn find(service: &Service, parameters: &Parameters) -> Result<Vec<Archive>, ApiError> {
    let filter = runs::filter(parameters)?;
    Ok(answers::archives::find(&service.store, &filter, &parameters.texts("suite")).await?)
}

pub(crate) const OPERATION: Operation = Operation {
    media: "application/zip",
    ..Operation::get(
        "/api/upload/archive",
        "The files of one run, as a zip",
        &[&CONFIGURATION, &["suite", "recent"], &POINT, &RANGE, &TIMES],
        text,
    )
    .of_reference()
};

/// `GET /api/upload/archive`: the archive as it came.
pub(crate) async fn download(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let found = find(&service, &parameters).await?;
    let Some(first) = found.first() else {
        return Err(not_found("No archives matching the specified criteria"));
    };
    if found.iter().any(|archive| archive.digest != first.digest) {
        return Err(bad("Multiple archives matching the specified criteria"));
    }
    let file = service.blobs.open(&first.digest).await?;
    let name = first.configuration.name().replace(' ', "_").replace('.', "-");
    let safe: String = name
        .chars()
        .map(
            |character| {
                if character.is_ascii_graphic() && !matches!(character, '"' | '\\' | ';') { character } else { '_' }
            },
        )
        .collect();
    let disposition = format!("attachment; filename={safe}@{}.zip", first.uuid);
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_LENGTH, first.size.to_string()),
    ];
    let stream = ReaderStream::new(tokio::fs::File::from_std(file));
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// `GET /archive-routes`: the configured object.
pub(crate) async fn routes(State(service): Shared) -> Response {
    let caching = [(header::CACHE_CONTROL, "public,max-age=604800")];
    (caching, axum::Json(service.options.archive_routes.clone())).into_response()
}

/// `GET /archive/<path>`: one file of the matching archives, or the names below a folder.
pub(crate) async fn extract(
    State(service): Shared,
    Rest(path): Rest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    at(&service, &path, query.as_deref()).await
}

/// `GET /apart/<ticket>/archive/<path>`: one file of an archive at the origin of archives, for whoever has a ticket for it.
pub(crate) async fn apart(
    State(service): Shared,
    at_origin: Option<Extension<AtOwnOrigin>>,
    Rest(path): Rest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (ticket, path) = path.split_once(FILES).ok_or_else(ApiError::unknown_path)?;
    if at_origin.is_none() || path.is_empty() || path.ends_with('/') {
        return Err(ApiError::unknown_path());
    }
    let over = || not_found("This link is over; open the file again from the list of its archive");
    let digest = service.options.door.archive_of(ticket).ok_or_else(over)?;
    let mut file = of_archives(&service, path, query.as_deref(), Some(digest)).await?;
    // Who has no ticket must not be given it from a cache.
    file.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private,max-age=43200"));
    Ok(file)
}

/// `GET /archive`: the names of the matching archives' files.
pub(crate) async fn list(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    at(&service, "", query.as_deref()).await
}

/// `GET /archive-view/<path>`: a file inside a page of this site.
pub(crate) async fn view(
    State(service): Shared,
    Rest(path): Rest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    view::page(&service, &path, query.as_deref()).await
}

async fn at(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    of_archives(service, path, query, None).await
}

/// A file, or the names below a folder, of the archives that a query means; of those with one digest, if it is given.
async fn of_archives(
    service: &Service,
    path: &str,
    query: Option<&str>,
    digest: Option<&str>,
) -> Result<Response, ApiError> {
    let own = ["suite", "recent", "limit", "format"];
    let parameters = Parameters::read_as_reference(query, &[], &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    let mut archives = find(service, &parameters).await?;
    archives.retain(|archive| digest.is_none_or(|digest| archive.digest == digest));
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("public,max-age=43200"));
    if path.is_empty() || path.ends_with('/') {
        let mut page = listing::page(service, path, &archives, &parameters).await?;
        page.headers_mut().insert(caching.0, caching.1);
        return Ok(page);
    }
    let (file, request) = (path.to_owned(), query.unwrap_or_default().to_owned());
    let read = move |contents: &mut Contents, suffix: &str| {
        let Some(bytes) = contents.read(&file)? else { return Ok(None) };
        Ok(Some(match content_type(&file) {
            "text/html" => rewrite::html(&bytes, &file, contents.names(), suffix, &request),
            "text/css" => rewrite::links(&bytes, &file, contents.names(), suffix),
            _ => bytes,
        }))
    };
    let bytes = same_of_each(service, &archives, read).await?.ok_or_else(|| missing(path))?;
    let kind = if parameters.first("format") == Some("txt") { "text/plain" } else { served_type(path, &bytes) };
    let disposition = HeaderValue::from_static(if kind == UNKNOWN { "attachment" } else { "inline" });
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
    let headers = [
        caching,
        (header::CONTENT_TYPE, HeaderValue::from_str(&kind).map_err(broken)?),
        (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(SANDBOX)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}

fn missing(path: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" at {path}") };
    not_found(format!("No archive content{place}"))
}

/// Lets `read` look into each archive, knowing the query that leads back to it, and `take` what it found.
async fn in_each<T, R>(
    service: &Service,
    archives: &[Archive],
    read: R,
    mut take: impl FnMut(T) -> Result<(), ApiError>,
) -> Result<(), ApiError>
where
    T: Send + 'static,
    R: Fn(&mut Contents, &str) -> Result<T, ApiError> + Clone + Send + 'static,
{
    let mut opened_bytes = 0;
    for archive in archives {
        opened_bytes += archive.size;
        if opened_bytes > MAX_OPENED_BYTES {
            return Err(ApiError::Internal("The matching archives are larger than 2 GB; ask for fewer".to_owned()));
        }
        let file = service.blobs.open(&archive.digest).await?;
        let (suffix, read) = (link_query(archive), read.clone());
        // Unpacking is work of its own, and an archive may be made to be slow.
        let found = tokio::task::spawn_blocking(move || read(&mut Contents::open(file)?, &suffix)).await;
        take(found.map_err(broken)??)?;
    }
    Ok(())
}

/// What `read` finds in the archives that have it: the same in all of them.
async fn same_of_each<T: PartialEq + Send + 'static>(
    service: &Service,
    archives: &[Archive],
    read: impl Fn(&mut Contents, &str) -> Result<Option<T>, ApiError> + Clone + Send + 'static,
) -> Result<Option<T>, ApiError> {
    let mut answer: Option<T> = None;
    in_each(service, archives, read, |found| {
        match (&answer, &found) {
            (Some(one), Some(other)) if one != other => {
                return Err(ApiError::Ambiguous("Multiple archives match with different content".to_owned()));
            }
            (None, Some(_)) => answer = found,
            _ => {}
        }
        Ok(())
    })
    .await?;
    Ok(answer)
}

/// A part of a path, percent-encoded.
pub(crate) fn encode_segment(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The query that leads back to exactly this archive.
fn link_query(archive: &Archive) -> String {
    let Archive { configuration, uuid, start_time, .. } = archive;
    let text = |value: &Option<String>| value.clone();
    let members = [
        ("platform", text(&configuration.platform)),
        ("is_simulator", configuration.is_simulator.map(|flag| if flag { "True" } else { "False" }.to_owned())),
        ("version", configuration.version.map(version_text)),
        ("architecture", text(&configuration.architecture)),
        ("version_name", text(&configuration.version_name)),
        ("model", text(&configuration.model)),
        ("style", text(&configuration.style)),
        ("flavor", text(&configuration.flavor)),
        ("sdk", text(&configuration.sdk)),
    ];
    let mut query = String::from("?");
    for (name, value) in members {
        if let Some(value) = value {
            query.push_str(&format!("{name}={}&", rewrite::encode(&value)));
        }
    }
    for (key, value) in configuration.labels.iter() {
        query.push_str(&format!("label.{key}={}&", rewrite::encode(value)));
    }
    query.push_str(&format!("uuid={uuid}&after_time={start_time}&before_time={start_time}"));
    query
}
