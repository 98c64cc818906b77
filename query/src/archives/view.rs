//! `GET /archive-view/<path>`: a file of an archive inside a page of this site.
//!
//! Texts are escaped, pages stay in a sandboxed frame, images are images. The files of one layout test are compared.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use minijinja::context;

use super::compare::{Comparison, compare};
use super::contents::Contents;
use super::family::{Family, Pair, is_image};
use super::file_type::content_type;
use super::listing::{crumbs, encoded, size};
use super::{ArchiveOrigin, find, missing, same_of_each};
use crate::error::{ApiError, bad, broken};
use crate::pages::POLICY;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::service::Service;

/// Text shown of a file, bytes; the whole is a link away.
const MAX_BYTES: usize = 1 << 20;
/// Lines shown of a file.
const MAX_LINES: usize = 20_000;
/// How images are compared, the way without scripts first.
const WAYS: [&str; 3] = ["side", "overlay", "swap"];

/// What an archive has for a page.
#[derive(PartialEq)]
struct Seen {
    shown: Shown,
    bytes: u64,
    members: Vec<String>,
    images: Option<(Pair, Option<String>)>,
    texts: Option<(Pair, Comparison)>,
}

/// How the file itself is shown.
#[derive(PartialEq)]
enum Shown {
    Image,
    Frame,
    Binary,
    /// Lines, and whether there are more.
    Lines(Vec<String>, bool),
}

pub(super) async fn page(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "recent", "limit", "format", "as", "compare"];
    let parameters = Parameters::read_lists(query, &["suite"], &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    let as_text = match parameters.first("as") {
        None | Some("page") => false,
        Some("text") => true,
        Some(_) => return Err(bad("A file is shown as page or as text")),
    };
    let way = parameters.first("compare").unwrap_or(WAYS[0]);
    if !WAYS.contains(&way) {
        return Err(bad(format!("Images are compared by {}", WAYS.join(", "))));
    }
    let archives = find(service, &parameters).await?;
    let file = path.to_owned();
    let read = move |contents: &mut Contents, _: &str| see(contents, &file, as_text);
    let seen = same_of_each(service, &archives, read).await?.ok_or_else(|| missing(path))?;
    let query = parameters.with(&["as", "compare", "format", "limit"], &[]);
    let link = |name: &str| {
        let label = name.rsplit('/').next().unwrap_or(name);
        context! { label, target => encoded(name), current => name == path }
    };
    let pair = |it: &Pair| context! { actual => link(&it.actual), expected => link(&it.expected) };
    let (kind, lines, cut) = match seen.shown {
        Shown::Image => ("image", Vec::new(), false),
        Shown::Frame => ("frame", Vec::new(), false),
        Shown::Binary => ("binary", Vec::new(), false),
        Shown::Lines(lines, cut) => ("text", lines, cut),
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let origin = service.options.archive_origin.as_ref();
    let pages_at = origin.and_then(|origin| origin.place(&service.options.door, &archives));
    let frames = origin.filter(|_| pages_at.is_some()).map_or_else(|| "'self'".to_owned(), ArchiveOrigin::address);
    let values = context! {
        path, name, query, kind, lines, cut, way, as_text, ways => WAYS, crumbs => crumbs(path), target => encoded(path),
        size => size(seen.bytes), pages_at, is_page => content_type(path) == "text/html",
        members => seen.members.iter().map(|name| link(name)).collect::<Vec<_>>(),
        images => seen.images.map(|(it, diff)| context! { diff => diff.as_deref().map(link), ..pair(&it) }),
        texts => seen.texts.map(|(it, found)| context! { found, ..pair(&it) }),
        toggle => parameters.with(&["as"], if as_text { &[] } else { &[("as", "text")] }),
    };
    let mut page = service.pages.render(StatusCode::OK, "archive_view.html", Some(path), values)?;
    let policy = HeaderValue::from_str(&format!("{POLICY}; frame-src {frames}")).map_err(broken)?;
    page.headers_mut().insert(HeaderName::from_static("content-security-policy"), policy);
    Ok(page)
}

fn see(contents: &mut Contents, path: &str, as_text: bool) -> Result<Option<Seen>, ApiError> {
    let Some(bytes) = contents.read(path)? else { return Ok(None) };
    let (mut members, mut images, mut texts) = (Vec::new(), None, None);
    if let Some(family) = Family::of(path) {
        members = family.members(contents.names());
        let is_there = |name: &str| members.iter().any(|member| member == name);
        images = family.images(is_there);
        if let Some(pair) = family.texts(is_there) {
            let expected = contents.read(&pair.expected)?.unwrap_or_default();
            let actual = contents.read(&pair.actual)?.unwrap_or_default();
            texts = Some((pair, compare(&expected, &actual)));
        }
    }
    let shown = if is_image(path) {
        Shown::Image
    } else if content_type(path) == "text/html" && !as_text {
        Shown::Frame
    } else if bytes.contains(&0) {
        Shown::Binary
    } else {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_BYTES)]);
        let lines: Vec<String> = text.lines().take(MAX_LINES).map(str::to_owned).collect();
        let cut = bytes.len() > MAX_BYTES || (lines.len() == MAX_LINES && text.lines().nth(MAX_LINES).is_some());
        Shown::Lines(lines, cut)
    };
    Ok(Some(Seen { shown, bytes: bytes.len() as u64, members, images, texts }))
}
