//! Refuses what another site's page makes a browser send.

use axum::http::{HeaderMap, HeaderValue};

/// A browser sent the request on behalf of a page of another site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A page of another site asked for this; open the page here and do it there")]
pub struct CrossSiteRequest;

/// Checks that no other site's page acts in the name of whoever reads it.
///
/// Browsers say in `Sec-Fetch-Site` where a request comes from; over plain HTTP, and where they are old, they only name the
/// origin of what is posted. Programs send neither header and are let through.
pub fn refuse_cross_site(headers: &HeaderMap) -> Result<(), CrossSiteRequest> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None if !headers.contains_key("origin") || is_from_own_page(headers) => Ok(()),
        Some(b"same-origin" | b"none") => Ok(()),
        _ => Err(CrossSiteRequest),
    }
}

/// Whether a browser sends a request for a page of this server: what a request with a cookie has to show, as browsers send
/// cookies whoever's page asks. Old browsers do not say what site a request comes from; all name the origin of what is posted.
pub fn is_from_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => {
            let host = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
            host.is_some() && host == text("host")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_and_our_own_pages_are_let_through() {
        let check = |value: Option<&'static str>| {
            let header = value.map(|value| ("sec-fetch-site".parse(), HeaderValue::from_static(value)));
            let headers = header.into_iter().filter_map(|(name, value)| Some((name.ok()?, value))).collect();
            refuse_cross_site(&headers)
        };
        for value in [None, Some("same-origin"), Some("none")] {
            assert_eq!(check(value), Ok(()), "{value:?}");
        }
        let posted = |origin: &'static str| {
            let headers = [("host", "results.example.org"), ("origin", origin)];
            let headers = headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
            refuse_cross_site(&headers.collect())
        };
        assert_eq!(posted("http://results.example.org"), Ok(()));
        for origin in ["http://evil.example.org", "null", "results.example.org"] {
            assert_eq!(posted(origin), Err(CrossSiteRequest), "{origin}");
        }
        // Another host of the same domain may belong to somebody else.
        for value in ["cross-site", "same-site", "", "anything"] {
            assert_eq!(check(Some(value)), Err(CrossSiteRequest), "{value}");
        }
    }

    #[test]
    fn a_cookie_needs_a_page_of_our_own() {
        let check = |headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
            is_from_own_page(&headers.collect())
        };
        let (host, origin) = (("host", "results.example.org"), ("origin", "https://results.example.org"));
        assert!(check(&[("sec-fetch-site", "same-origin")]) && check(&[host, origin]));
        for headers in [
            &[][..],
            &[host],
            &[origin],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://evil.example.org")],
            &[host, origin, ("sec-fetch-site", "cross-site")],
            // Whoever types an address posts nothing.
            &[host, origin, ("sec-fetch-site", "none")],
        ] {
            assert!(!check(headers), "{headers:?}");
        }
    }
}
