//! Routes, each with the rule of who may take it: a route without a rule does not compile.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route, get, post, put};
use tokio::sync::OwnedSemaphorePermit;
use tower::{Layer, Service};

use crate::caller::{Caller, Who};
use crate::denied::Denied;
use crate::door::Door;
use crate::limits::Load;

/// Who may take a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Anybody: it tells nothing that is stored.
    Anybody,
    /// Whoever may read.
    Read,
    /// Whoever may upload what is sent. Its handler has to ask the caller about the suite and the repositories, and to take a
    /// key from the body where none came in the headers.
    Upload,
    /// Whoever may link bugs, rename tests and say who owns them.
    Link,
    /// Whoever may say which failures do not count for a time.
    Quarantine,
    /// Whoever may change keys and dead letters.
    Admin,
}

impl Rule {
    fn check(self, caller: &Caller) -> Result<(), Denied> {
        match self {
            Self::Anybody => Ok(()),
            Self::Read => caller.may_read(),
            // Its key may still come in the body.
            Self::Upload if *caller.who() == Who::Nobody => Ok(()),
            Self::Upload => caller.may_upload_something(),
            Self::Link => caller.may_link(),
            Self::Quarantine => caller.may_quarantine(),
            Self::Admin => caller.may_administer(),
        }
    }

    /// What a request costs.
    fn load(self) -> Option<Load> {
        match self {
            Self::Anybody => None,
            Self::Upload => Some(Load::Upload),
            Self::Read | Self::Link | Self::Quarantine | Self::Admin => Some(Load::Question),
        }
    }
}

/// Rules by path and method.
type Rules = HashMap<&'static str, HashMap<Method, Rule>>;

/// A router whose routes have rules.
pub struct Routes<S> {
    router: Router<S>,
    rules: Vec<(Method, &'static str, Rule)>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: Router::new(), rules: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A path that is asked (GET, and HEAD with it).
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(self, rule: Rule, path: &'static str, handler: H) -> Self {
        self.route(Method::GET, rule, path, get(handler))
    }

    /// A path to which is posted.
    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(self, rule: Rule, path: &'static str, handler: H) -> Self {
        self.route(Method::POST, rule, path, post(handler))
    }

    /// A path at which something is put.
    #[must_use]
    pub fn put<H: Handler<T, S>, T: 'static>(self, rule: Rule, path: &'static str, handler: H) -> Self {
        self.route(Method::PUT, rule, path, put(handler))
    }

    fn route(mut self, method: Method, rule: Rule, path: &'static str, handler: MethodRouter<S>) -> Self {
        self.rules.push((method, path, rule));
        self.router = self.router.route(path, handler);
        self
    }

    /// The routes of both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.rules.extend(other.rules);
        self
    }

    /// The same with a layer around each route.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// Method, path and rule of each.
    pub fn rules(&self) -> &[(Method, &'static str, Rule)] {
        &self.rules
    }

    /// The routes behind a door, which comes before every layer of theirs. Handlers find the [`Caller`] in the request.
    pub fn behind(self, door: &Door) -> Router<S> {
        let mut rules = Rules::new();
        for (method, path, rule) in self.rules {
            rules.entry(path).or_default().insert(method, rule);
        }
        let (door, rules) = (door.clone(), Arc::new(rules));
        self.router.layer(from_fn(move |request: Request, next: Next| {
            let (door, rules) = (door.clone(), Arc::clone(&rules));
            async move {
                match admit(&door, &rules, request).await {
                    Ok((request, _place)) => {
                        let is_private = !door.is_open();
                        let mut response = next.run(request).await;
                        if is_private {
                            keep_private(response.headers_mut());
                        }
                        response
                    }
                    Err(denied) => denied.into_response(),
                }
            }
        }))
    }
}

/// The request with its caller, if the rule of its route lets them in, and its place among theirs. A method that the path does
/// not know has no rule: it is answered with that.
async fn admit(
    door: &Door,
    rules: &Rules,
    request: Request,
) -> Result<(Request, Option<OwnedSemaphorePermit>), Denied> {
    let (mut request, body) = request.into_parts();
    let caller = door.caller(&request).await?;
    let mut place = None;
    let matched = request.extensions.get::<MatchedPath>().cloned();
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    if let Some(matched) = &matched
        && let Some(rule) = rules.get(matched.as_str()).and_then(|methods| methods.get(method))
    {
        rule.check(&caller)?;
        if let Some(load) = rule.load() {
            place = door.place(&caller, load).await?;
        }
    }
    request.extensions.insert(caller);
    Ok((Request::from_parts(request, body), place))
}

/// Keeps what was told to one caller from caches that answer others.
fn keep_private(headers: &mut HeaderMap) {
    let value = match headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()) {
        None => Some("private, no-cache".to_owned()),
        Some(value) => value.strip_prefix("public").map(|rest| format!("private{rest}")),
    };
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_caches_keep_nothing() {
        let kept = |value: Option<&'static str>| {
            let mut headers: HeaderMap =
                value.map(|value| (header::CACHE_CONTROL, HeaderValue::from_static(value))).into_iter().collect();
            keep_private(&mut headers);
            headers.remove(header::CACHE_CONTROL)
        };
        for (value, expected) in [
            (None, "private, no-cache"),
            (Some("public,max-age=604800"), "private,max-age=604800"),
            (Some("no-store"), "no-store"),
        ] {
            assert_eq!(kept(value), Some(HeaderValue::from_static(expected)), "{value:?}");
        }
    }
}
