//! Signing in, with a key or at an identity provider, and out.

use access::{Denied, Departure, Door};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use minijinja::context;
use schema::clock::now_signed;
use web::same_site::refuse_cross_site;

use crate::error::{ApiError, bad};
use crate::layers::paths::redirect;
use crate::service::{Service, Shared};

/// Between what a provider has a browser keep and the path to which it wants to go; neither has one.
const BEFORE_PATH: char = '~';
/// The longest path that is kept, bytes: browsers drop large cookies.
const MAX_PATH_BYTES: usize = 1000;

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
        Ok(cookie) => Ok(with_cookies(redirect(own_path(&to)), cookie)),
        Err(denied) => show(&service, denied.status(), &to, Some(&denied)),
    }
}

/// Ends the session of a browser.
pub(crate) async fn sign_out(State(service): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
    refuse_cross_site(&headers).map_err(|error| bad(error.to_string()))?;
    Ok(with_cookies(redirect("/sign-in"), service.options.door.sign_out()))
}

/// Sends a browser to the identity provider; `to` is where it ends up afterwards.
pub(crate) async fn leave(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let to = member(query.as_deref().unwrap_or_default().as_bytes(), "to").unwrap_or_default();
    let door = &service.options.door;
    let provider = door.provider().ok_or_else(no_provider)?;
    match provider.begin().await {
        Ok(Departure { url, kept }) => {
            let to: String = form_urlencoded::byte_serialize(own_path(&to).as_bytes()).collect();
            Ok(with_cookies(redirect(&url), door.depart(&format!("{kept}{BEFORE_PATH}{to}"))))
        }
        Err(denied) => show(&service, denied.status(), &to, Some(&denied)),
    }
}

/// Takes a browser that comes back from the identity provider.
pub(crate) async fn come_back(
    State(service): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let door = &service.options.door;
    let provider = door.provider().ok_or_else(no_provider)?;
    let query = query.unwrap_or_default();
    let of = |name: &str| member(query.as_bytes(), name).unwrap_or_default();
    let (kept, to) = Door::kept(&headers).and_then(|kept| kept.split_once(BEFORE_PATH)).unwrap_or_default();
    let to = form_urlencoded::parse(to.as_bytes()).next().map_or_else(String::new, |(to, _)| to.into_owned());
    let error = of("error");
    let finished = if error.is_empty() {
        provider.finish(kept, &of("state"), &of("code"), now_signed()).await
    } else {
        // It may be anything: whoever sends the browser here chooses it.
        let named = error.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && error.len() < 60;
        let cause = if named { error } else { "an error that is none of the known ones".to_owned() };
        Err(Denied::SignInFailed(format!("{} says {cause}", provider.host())))
    };
    match finished {
        Ok(person) => Ok(with_cookies(redirect(own_path(&to)), door.welcome(person))),
        Err(denied) => show(&service, denied.status(), &to, Some(&denied)),
    }
}

fn no_provider() -> ApiError {
    ApiError::NotFound("Nobody signs in elsewhere here: no identity provider is configured".to_owned())
}

fn show(service: &Service, status: StatusCode, to: &str, denied: Option<&Denied>) -> Result<Response, ApiError> {
    let problem = denied.map(ToString::to_string);
    let provider = service.options.door.provider().map(|provider| provider.host());
    let is_open = service.options.door.is_open();
    let values = context! { page => "/sign-in", to => own_path(to), problem, provider, is_open };
    service.pages.render(status, "sign_in.html", Some("Sign in"), values)
}

fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A member of a form or query.
fn member(pairs: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(pairs).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// A path of this server, whatever a link to the form says: another host's address begins with a scheme, with two slashes, or
/// with what browsers take for two.
fn own_path(to: &str) -> &str {
    let is_own = to.len() <= MAX_PATH_BYTES
        && to.starts_with('/')
        && !to[1..].starts_with(['/', '\\'])
        && !to.chars().any(char::is_control);
    if is_own { to } else { "/" }
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
