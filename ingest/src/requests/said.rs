//! What people say of tests and keys, in a form of a page or as JSON.
//!
//! Data flow: a request from our own pages, or from no page → its members ([`Said`]) → what each kind of request makes of them → an
//! event, and the page that the form came from.

use axum::extract::{FromRequest, FromRequestParts, Request as HttpRequest};
use axum::response::Response;
use schema::event::Request;
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;
use web::openapi::Operation;
use web::same_site::refuse_cross_site;

use super::page_or_json::{page_or_json, page_or_json_warning};
use crate::append::no_payload;
use crate::checks::document;
use crate::error::IntakeError;
use crate::sender::Sender;
use crate::state::Intake;
use crate::wait::append_and_show;

/// What somebody says.
pub(crate) struct Said {
    pub(crate) sender: Sender,
    members: Map<String, Value>,
    /// The members' share of the memory of all bodies.
    _memory: OwnedSemaphorePermit,
}

impl FromRequest<Intake> for Said {
    type Rejection = IntakeError;

    async fn from_request(request: HttpRequest, intake: &Intake) -> Result<Self, IntakeError> {
        let (mut parts, body) = request.into_parts();
        let Ok(sender) = Sender::from_request_parts(&mut parts, intake).await;
        refuse_cross_site(&sender.headers)?;
        let (body, memory) = intake.body_memory.read(parts.uri.query(), &sender.headers, body).await?;
        Ok(Self { members: document::members(&body)?, sender, _memory: memory })
    }
}

impl Said {
    /// The members, where each is one of the document that an operation takes.
    ///
    /// # Errors
    /// One is not.
    pub(crate) fn members(&self, operation: &Operation) -> Result<&Map<String, Value>, IntakeError> {
        let schema = operation.body.map_or(Value::Null, |body| (body.schema)());
        document::expect_known(&self.members, &schema)?;
        Ok(&self.members)
    }

    /// Keeps an event about a suite, and leads a form to `page` once it shows; `what` is the event in words. Of something that is
    /// kept although it is odd, `warning` says in a sentence why.
    ///
    /// # Errors
    /// It is not kept, or not visible yet.
    pub(crate) async fn keep(
        &self,
        intake: &Intake,
        suite: &str,
        request: Request,
        what: &str,
        page: &str,
        warning: Option<String>,
    ) -> Result<Response, IntakeError> {
        // What is said of one suite keeps its order.
        append_and_show(&intake.appender, suite.as_bytes(), request, no_payload(), &self.sender, what).await?;
        let (headers, answer) = (&self.sender.headers, json!({ "status": "ok" }));
        Ok(match warning {
            Some(warning) => page_or_json_warning(headers, page, answer, &warning),
            None => page_or_json(headers, page, answer),
        })
    }
}

/// The address of a page with some parameters.
pub(crate) fn page(path: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}
