//! Signing in with a key, the keys, and who changed what by hand.

use access::Denied;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};
use schema::clock::now_signed;
use web::same_site::refuse_cross_site;

use crate::api::access::{KeySummary, all_keys, entries};
use crate::error::{ApiError, bad};
use crate::layers::paths::redirect;
use crate::service::{Service, Shared};

/// The page with the form for a key; `to` is where it leads afterwards.
pub(crate) async fn sign_in_page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let to = member(query.as_deref().unwrap_or_default().as_bytes(), "to").unwrap_or_default();
    show(&service, StatusCode::OK, &to, None)
}

/// Takes the form: a browser with a key that counts gets the cookie of a session.
pub(crate) async fn sign_in(State(service): Shared, headers: HeaderMap, form: String) -> Result<Response, ApiError> {
    refuse_cross_site(&headers).map_err(|error| bad(error.to_string()))?;
    let to = member(form.as_bytes(), "to").unwrap_or_default();
    let key = member(form.as_bytes(), "key").unwrap_or_default();
    match service.options.door.sign_in(&key) {
        Ok(cookie) => Ok(with_cookie(redirect(own_path(&to)), cookie)),
        Err(denied) => show(&service, denied.status(), &to, Some(&denied)),
    }
}

/// Ends the session of a browser.
pub(crate) async fn sign_out(State(service): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
    refuse_cross_site(&headers).map_err(|error| bad(error.to_string()))?;
    Ok(with_cookie(redirect("/sign-in"), service.options.door.sign_out()))
}

fn show(service: &Service, status: StatusCode, to: &str, denied: Option<&Denied>) -> Result<Response, ApiError> {
    let problem = denied.map(ToString::to_string);
    let values =
        context! { page => "/sign-in", to => own_path(to), problem, is_open => service.options.door.is_open() };
    service.pages.render(status, "sign_in.html", Some("Sign in"), values)
}

fn with_cookie(response: Response, cookie: Option<HeaderValue>) -> Response {
    let cookies = cookie.map(|cookie| [(header::SET_COOKIE, cookie)]);
    (cookies, response).into_response()
}

/// A member of a form or query.
fn member(pairs: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(pairs).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// A path of this server, whatever a link to the form says: another host's address begins with a scheme, with two slashes, or
/// with what browsers take for two.
fn own_path(to: &str) -> &str {
    let is_own = to.starts_with('/') && !to[1..].starts_with(['/', '\\']) && !to.chars().any(char::is_control);
    if is_own { to } else { "/" }
}

/// The keys.
pub(crate) async fn keys(State(service): Shared) -> Result<Response, ApiError> {
    let now = now_signed();
    let over = |at: Option<u32>| at.is_some_and(|at| i64::from(at) <= now);
    let row = |key: KeySummary| {
        let state = match () {
            () if over(key.ends_at) => "revoked",
            () if over(key.expires_at) => "expired",
            () => "counts",
        };
        let can_end = state == "counts" && !key.is_configured;
        let until = [key.ends_at, key.expires_at].into_iter().flatten().min();
        context! { state, can_end, until, ..Value::from_serialize(&key) }
    };
    let rows: Vec<Value> = all_keys(&service).await?.into_iter().map(row).collect();
    let values = context! { page => "/admin/keys", rows, is_open => service.options.door.is_open() };
    service.pages.render(StatusCode::OK, "keys.html", Some("Keys"), values)
}

/// Who changed what.
pub(crate) async fn audit(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let rows = entries(&service, query.as_deref()).await?;
    service.pages.render(StatusCode::OK, "audit.html", Some("Audit"), context! { page => "/admin/audit", rows })
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn signing_in_leads_to_no_other_host() {
        assert_eq!(own_path("/flaky?suite=a"), "/flaky?suite=a");
        for to in [
            "",
            "https://evil.example.org",
            "//evil.example.org",
            "/\\evil.example.org",
            "flaky",
            "/a\r\nb",
            "javascript:1",
        ] {
            assert_eq!(own_path(to), "/", "{to:?}");
        }
    }
}
