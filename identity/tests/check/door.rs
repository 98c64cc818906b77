//! A token at the door of a router.

use access::{AccessOptions, BearerCheck, Caller, Door, Guards, Routes, Rule, SessionSecret};
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt;

use crate::local_issuer::{How, LocalIssuer};
use crate::signing_key::FIRST;
use crate::{AUDIENCE, claims, issuers, with};

/// What a router answers to an upload with this bearer: its status, and who the handler takes the sender for.
async fn answer(door: &Door, bearer: &str) -> (StatusCode, String) {
    let handler = |Extension(caller): Extension<Caller>| async move { caller.actor().unwrap_or_default() };
    let router = Routes::new().post(Rule::Upload, "/api/upload", handler).behind(door);
    let request = Request::post("/api/upload").header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_token_comes_in_as_its_run_and_every_refusal_has_its_status() {
    let local = LocalIssuer::start(&[&FIRST]);
    let options = format!(
        "issuer = 'ISSUER'\naudience = '{AUDIENCE}'\n[[policies]]\nclaims = {{ repository_id = 1234 }}\nscopes = ['upload']"
    );
    let door = |local| {
        let tokens = Some(Arc::new(issuers(local, &options)) as Arc<dyn BearerCheck>);
        let sessions = SessionSecret::random().unwrap();
        let guards = Guards { sessions, is_secure: false, tokens, sign_in: None };
        Door::guarded(&AccessOptions::default(), guards).unwrap()
    };
    let now = schema::clock::now_signed();
    let claims = with(with(claims(&local), "exp", json!(now + 600)), "nbf", json!(now));
    let good = FIRST.token(&claims);
    let guarded = door(&local);
    assert_eq!(
        answer(&guarded, &good).await,
        (StatusCode::OK, format!("repository octo/widget, run 77 ({})", local.url))
    );
    for (token, status) in [
        (FIRST.token(&with(claims.clone(), "exp", json!(now - 60))), StatusCode::UNAUTHORIZED),
        (FIRST.token(&with(claims.clone(), "repository_id", json!("1"))), StatusCode::FORBIDDEN),
        ("rdb_u_x".to_owned(), StatusCode::UNAUTHORIZED),
        ("x".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        let (given, body) = answer(&guarded, &token).await;
        assert_eq!(given, status, "{body}");
        assert!(!body.contains(token.rsplit('.').next().unwrap()) || token.len() < 10, "{body}");
    }
    local.answer(How::NotAtAll);
    assert_eq!(answer(&door(&local), &good).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
