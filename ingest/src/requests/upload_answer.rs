//! The answer to an upload: what each step of processing came to, the receipt, and what the sender should know.
//!
//! The body is the reference's, whose clients may compare the whole of it: what it has no room for is in headers, and in the
//! body only for senders who prefer `return=representation`.

use axum::Json;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use schema::event::{CI_URLS, STEPS, Step};
use schema::expiry::Expiry;
use schema::intake_report::UploadFault;
use schema::receipt::{RECEIPT_HEADER, Receipt};
use serde_json::{Value, json};
use web::prefer::{PREFERENCE_APPLIED, Preferences, applied};
use web::warning;

use crate::error::ReportedFault;

/// The step that writes the results of tests.
const TEST_RESULTS: &str = "test-results";
/// The only step that an upload still takes whose time is over.
const COMMITS: &str = "commit-identifiers";

/// What became of an upload that is in the log.
pub(super) struct UploadAnswer {
    /// Whether the views show it.
    pub(super) is_shown: bool,
    pub(super) receipt: Receipt,
    /// Why the steps that read the results fail.
    pub(super) results_error: Option<String>,
    /// Why the run has no links to its CI.
    pub(super) links_error: Option<String>,
    /// What is odd about outcomes.
    pub(super) unknown: Option<String>,
    /// What lies further ahead of now than a clock may be wrong, and how far, whole days.
    pub(super) ahead: Vec<(&'static str, u64)>,
    /// Why nothing of it is stored.
    pub(super) expiry: Option<Expiry>,
}

impl UploadAnswer {
    pub(super) fn into_response(self, preferences: &Preferences) -> Response {
        let receipt = self.receipt.to_string();
        let mut answer = json!({ "status": "ok", "processing": self.processing(preferences.return_representation) });
        if preferences.return_representation {
            answer["receipt"] = receipt.clone().into();
        }
        let mut response = Json(answer).into_response();
        if let Some(expiry) = &self.expiry {
            warn(&mut response, UploadFault::Expired, &expiry.to_string());
        } else if let Some(warning) = self.warning() {
            let fault = if self.unknown.is_some() { UploadFault::UnknownState } else { UploadFault::CommitAhead };
            warn(&mut response, fault, &warning);
        }
        let headers = response.headers_mut();
        if let Ok(receipt) = HeaderValue::from_str(&receipt) {
            headers.insert(RECEIPT_HEADER, receipt);
        }
        let waited = preferences.wait.filter(|_| self.is_shown).map(|limit| format!("wait={}", limit.as_secs()));
        let strict = preferences.is_strict().then(|| "handling=strict".to_owned());
        let honoured: Vec<String> = waited.into_iter().chain(strict).collect();
        if let Some(value) = applied(&honoured) {
            headers.insert(PREFERENCE_APPLIED, value);
        }
        response
    }

    /// What each step of processing came to, by the step's name.
    fn processing(&self, with_warnings: bool) -> Value {
        let steps = STEPS.iter().map(|step| {
            let mut state = self.state(step);
            if let Some(warning) = self.warning().filter(|_| with_warnings && step.name == TEST_RESULTS) {
                state["warning"] = warning.into();
            }
            (step.name.to_owned(), state)
        });
        Value::Object(steps.collect())
    }

    fn state(&self, step: &Step) -> Value {
        if let Some(expiry) = self.expiry.filter(|_| step.name != COMMITS) {
            return json!({ "status": "expired", "description": expiry.to_string() });
        }
        let links_error = self.links_error.as_ref().filter(|_| step.name == CI_URLS);
        let error = if step.reads_results { self.results_error.as_ref() } else { links_error };
        match error {
            Some(text) => json!({ "status": "error", "description": text }),
            None if self.is_shown => json!({ "status": "ok" }),
            None => json!({ "status": "Queued" }),
        }
    }

    fn warning(&self) -> Option<String> {
        let unknown = self.unknown.as_ref();
        let unknown = unknown
            .map(|text| format!("{text}; it is kept as it came, and a test without a known state counts as not run"));
        let ahead = self.ahead.iter().map(|(what, days)| {
            format!("{what} lies {days} days ahead: until then lists leave the run out; check the clock")
        });
        let warnings: Vec<String> = unknown.into_iter().chain(ahead).collect();
        (!warnings.is_empty()).then(|| warnings.join(". "))
    }
}

/// Says with an answer what is odd about an upload that was taken in.
pub(super) fn warn(response: &mut Response, fault: UploadFault, text: &str) {
    let Some(header) = warning::header(text) else { return };
    response.headers_mut().extend([header]);
    response.extensions_mut().insert(ReportedFault { fault, text: text.to_owned() });
}
