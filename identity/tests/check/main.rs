//! Tokens of a local issuer, which serves its keys over HTTP and signs with keys made for the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod configuration;
mod door;
mod hostile;
mod keys;
mod local_issuer;
mod people;
mod policies;
mod signing_key;
mod tokens;

use identity::{Identity, IdentityError, IssuerOptions, Issuers};
use serde_json::{Value, json};

use local_issuer::LocalIssuer;
use outbound::{Outbound, OutboundOptions};
use signing_key::SigningKey;

/// The time of all tests, seconds since 1970.
const NOW: i64 = 1_800_000_000;
const AUDIENCE: &str = "https://results.example.org";

/// Issuers of one configuration, without `[[access.issuers]]`; `ISSUER` stands for the local one.
fn issuers(local: &LocalIssuer, toml: &str) -> Issuers {
    Issuers::new(&[options(local, toml)], &loopback()).unwrap()
}

fn options(local: &LocalIssuer, toml: &str) -> IssuerOptions {
    toml::from_str(&toml.replace("ISSUER", &local.url)).unwrap()
}

/// Asks this machine alone beside public hosts.
fn loopback() -> Outbound {
    OutboundOptions { allow: vec!["127.0.0.1".to_owned()] }.try_into().unwrap()
}

/// Takes pushes to main of one repository, signed with either algorithm.
fn github(local: &LocalIssuer) -> Issuers {
    Issuers::new(&[github_options(local)], &loopback()).unwrap()
}

fn github_options(local: &LocalIssuer) -> IssuerOptions {
    options(
        local,
        r#"
        issuer = "ISSUER"
        audience = "https://results.example.org"
        algorithms = ["RS256", "ES256"]
        [[policies]]
        claims = { repository_id = "1234", ref = "refs/heads/main" }
        scopes = ["upload:suite=layout-tests"]
        "#,
    )
}

/// The claims of a push to main.
fn claims(local: &LocalIssuer) -> Value {
    json!({
        "iss": local.url,
        "aud": AUDIENCE,
        "sub": "repo:octo/widget:ref:refs/heads/main",
        "exp": NOW + 300,
        "nbf": NOW - 300,
        "iat": NOW,
        "jti": "5f1c",
        "repository": "octo/widget",
        "repository_id": "1234",
        "ref": "refs/heads/main",
        "event_name": "push",
        "run_id": "77",
        "run_attempt": "1",
    })
}

/// The same claims with another value of one of them, or, if it is null, without it.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    claims
}

/// What becomes of these claims, signed with this key.
async fn check(issuers: &Issuers, key: &SigningKey, claims: &Value) -> Result<Identity, IdentityError> {
    issuers.check(&key.token(claims), NOW).await
}
