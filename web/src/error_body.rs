//! The body of every error that the API answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error as JSON: `{"status": "error", "error": <the status's standard reason>, "description": <one sentence>}`.
pub fn error_response(status: StatusCode, description: &str) -> Response {
    let body = json!({
        "status": "error",
        "error": status.canonical_reason().unwrap_or_default(),
        "description": description,
    });
    (status, Json(body)).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_body_has_the_members_of_the_contract_in_its_order() {
        let response = error_response(StatusCode::NOT_FOUND, "There is no \"x\"");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let expected = r#"{"status":"error","error":"Not Found","description":"There is no \"x\""}"#;
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }
}
