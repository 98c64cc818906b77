//! A folder of the matching archives as a page.

use std::collections::BTreeMap;

use answers::archives::Archive;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::contents::{Below, Contents};
use super::family::{Family, is_image};
use super::file_type::{UNKNOWN, content_type};
use super::{encode_segment, in_each, link_query, missing};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Service;

/// Names on a page.
const NAMES: usize = 5000;

/// What is below a folder, united over all archives; folders first.
pub(super) async fn page(
    service: &Service,
    path: &str,
    archives: &[Archive],
    parameters: &Parameters,
) -> Result<Response, ApiError> {
    let folder = path.to_owned();
    let mut found: BTreeMap<String, Below> = BTreeMap::new();
    let read = move |contents: &mut Contents, _: &str| Ok(contents.below(&folder));
    in_each(service, archives, read, |below| {
        for (name, more) in below {
            let known = found.entry(name).or_default();
            known.files = known.files.max(more.files);
            known.bytes = known.bytes.max(more.bytes);
        }
        Ok(())
    })
    .await?;
    if found.is_empty() {
        return Err(missing(path));
    }
    let query = parameters.with(&["format", "limit"], &[]);
    let total = found.len();
    let (folders, files): (Vec<_>, Vec<_>) = found.iter().partition(|(name, _)| name.ends_with('/'));
    let rows: Vec<Value> = folders
        .into_iter()
        .chain(files)
        .take(NAMES)
        .map(|(name, below)| {
            let folder = name.ends_with('/');
            let target = encoded(&format!("{path}{name}"));
            let is_there = |other: &str| found.contains_key(other);
            let compared = !folder && Family::of(name).is_some_and(|family| family.is_compared(name, is_there));
            context! {
                name, folder, target, kind => kind(name), files => below.files, compared,
                size => below.bytes.map_or_else(String::new, size),
            }
        })
        .collect();
    let one_of = |archive: &Archive| {
        context! { name => archive.configuration.name(), uuid => archive.uuid, query => link_query(archive) }
    };
    let several: Vec<Value> = if archives.len() > 1 { archives.iter().map(one_of).collect() } else { Vec::new() };
    let origin = service.options.archive_origin.as_ref();
    let values = context! {
        path, rows, total, query, crumbs => crumbs(path), several, here => encoded(path),
        results => found.contains_key("results.html"),
        pages_at => origin.and_then(|origin| origin.place(&service.options.door, archives)),
    };
    service.pages.render(StatusCode::OK, "listing.html", Some(if path.is_empty() { "Archive" } else { path }), values)
}

/// A path as it stands in an address.
pub(super) fn encoded(path: &str) -> String {
    path.split('/').map(encode_segment).collect::<Vec<_>>().join("/")
}

/// The folders above, from the root: names and encoded paths.
pub(super) fn crumbs(path: &str) -> Vec<(String, String)> {
    let mut crumbs = vec![("archive".to_owned(), String::new())];
    let above = path.strip_suffix('/').unwrap_or(path);
    for (end, _) in above.match_indices('/') {
        let name = above[..end].rsplit('/').next().unwrap_or_default();
        crumbs.push((name.to_owned(), encoded(&above[..=end])));
    }
    crumbs
}

fn kind(name: &str) -> &'static str {
    match content_type(name) {
        _ if name.ends_with('/') => "folder",
        "text/html" => "page",
        "application/json" => "JSON",
        "text/css" => "style",
        _ if is_image(name) => "image",
        UNKNOWN => "file",
        _ => "text",
    }
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_lead_to_every_folder_above() {
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(crumbs(""), [pair("archive", "")]);
        assert_eq!(crumbs("a/b c/d.txt"), [pair("archive", ""), pair("a", "a/"), pair("b c", "a/b%20c/")]);
        assert_eq!(crumbs("a/b/"), [pair("archive", ""), pair("a", "a/")]);
    }

    #[test]
    fn kinds_and_sizes_read_well() {
        assert_eq!(
            ["a/", "a.html", "a.PNG", "a", "a.json", "a.pdf"].map(kind),
            ["folder", "page", "image", "text", "JSON", "file"]
        );
        assert_eq!([0, 1536, 3 << 20].map(size), ["0 B", "1.5 KiB", "3.0 MiB"]);
    }
}
