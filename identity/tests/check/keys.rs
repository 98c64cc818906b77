//! Keys that are rotated, away, or not to be trusted.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use identity::{IdentityError, Issuers};
use outbound::Outbound;
use serde_json::{Value, json};

use crate::local_issuer::{How, LocalIssuer};
use crate::signing_key::{CURVE, FIRST, SECOND, SigningKey};
use crate::{NOW, claims, github, github_options, issuers, with};

/// What becomes of a token of this key at a time, which the token does not outlive.
async fn at(issuers: &Issuers, local: &LocalIssuer, key: &SigningKey, now: i64) -> Result<(), IdentityError> {
    let claims = with(with(claims(local), "exp", json!(now + 60)), "nbf", json!(now));
    issuers.check(&key.token(&claims), now).await.map(|_| ())
}

fn key_requests(local: &LocalIssuer) -> usize {
    local.requests().iter().filter(|path| *path == "/keys").count()
}

#[tokio::test]
async fn a_new_key_counts_at_once_and_the_former_no_more() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    assert_eq!(at(&issuers, &local, &FIRST, NOW).await, Ok(()));
    local.rotate(&[&SECOND]);
    assert_eq!(at(&issuers, &local, &FIRST, NOW + 599).await, Ok(()), "fresh keys are not asked for again");
    assert_eq!(at(&issuers, &local, &SECOND, NOW + 599).await, Ok(()), "an unknown key is asked for");
    assert_eq!(at(&issuers, &local, &FIRST, NOW + 599).await, Err(IdentityError::UnknownKey(local.url.clone())));
    assert_eq!(key_requests(&local), 2);
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_a_minute() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    let unknown = Err(IdentityError::UnknownKey(local.url.clone()));
    for (seconds, requests) in [(0, 1), (1, 1), (59, 1), (60, 2), (119, 2), (120, 3)] {
        assert_eq!(at(&issuers, &local, &SECOND, NOW + seconds).await, unknown);
        assert_eq!(key_requests(&local), requests, "after {seconds} s");
    }
    assert_eq!(at(&issuers, &local, &FIRST, NOW + 120).await, Ok(()));
    assert_eq!(key_requests(&local), 3);
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_issuer_says_within_bounds() {
    for (cache_control, seconds) in
        [("max-age=300", 300), ("public, max-age=86400", 3600), ("max-age=1", 60), ("no-store", 60), ("private", 600)]
    {
        let local = LocalIssuer::start(&[&FIRST]);
        local.set_cache_control(cache_control);
        let issuers = github(&local);
        for (now, requests) in [(NOW, 1), (NOW + seconds - 1, 1), (NOW + seconds, 2)] {
            assert_eq!(at(&issuers, &local, &FIRST, now).await, Ok(()));
            assert_eq!(key_requests(&local), requests, "{cache_control} after {} s", now - NOW);
        }
    }
}

#[tokio::test]
async fn known_keys_count_for_an_hour_while_the_issuer_is_away() {
    for how in [How::Status(503), How::NotAtAll] {
        let local = LocalIssuer::start(&[&FIRST]);
        let issuers = github(&local);
        let away = Err(IdentityError::KeysAway(local.url.clone()));
        assert_eq!(at(&issuers, &local, &FIRST, NOW).await, Ok(()));
        local.answer(how);
        for seconds in [600, 601, 4199] {
            assert_eq!(at(&issuers, &local, &FIRST, NOW + seconds).await, Ok(()), "after {seconds} s");
        }
        assert_eq!(at(&issuers, &local, &SECOND, NOW + 4199).await, away, "nobody knows whether this key is new");
        assert_eq!(at(&issuers, &local, &FIRST, NOW + 4200).await, away);
        local.answer(How::Well);
        assert_eq!(at(&issuers, &local, &FIRST, NOW + 4210).await, Ok(()));
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_from_the_start_is_asked_again_after_ten_seconds() {
    let local = LocalIssuer::start(&[&FIRST]);
    local.answer(How::Status(500));
    let issuers = github(&local);
    let away = IdentityError::KeysAway(local.url.clone());
    assert!(away.is_temporary() && !IdentityError::UnknownKey(local.url.clone()).is_temporary());
    for (seconds, requests) in [(0, 1), (9, 1), (10, 2)] {
        assert_eq!(at(&issuers, &local, &FIRST, NOW + seconds).await, Err(away.clone()));
        assert_eq!(local.requests().len(), requests, "after {seconds} s");
    }
    local.answer(How::Well);
    assert_eq!(at(&issuers, &local, &FIRST, NOW + 20).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_does_not_wait_for_a_slow_issuer() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    assert_eq!(at(&issuers, &local, &FIRST, NOW).await, Ok(()));
    local.answer(How::Later);
    let claims = with(claims(&local), "exp", json!(NOW + 9000));
    let (asking, token) = (issuers.clone(), FIRST.token(&claims));
    let first = tokio::spawn(async move { asking.check(&token, NOW + 700).await });
    local.wait_for_requests(3);
    let token = FIRST.token(&claims);
    let second = pin!(issuers.check(&token, NOW + 700)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(second, Poll::Ready(Ok(_))), "somebody else asks already");
    local.answer(How::Well);
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_while_keys_are_asked_for_keeps_nobody_from_them() {
    let local = LocalIssuer::start(&[&FIRST]);
    local.answer(How::Later);
    let issuers = github(&local);
    let (asking, token) = (issuers.clone(), FIRST.token(&claims(&local)));
    let first = tokio::spawn(async move { asking.check(&token, NOW).await });
    local.wait_for_requests(1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    local.answer(How::Well);
    assert_eq!(at(&issuers, &local, &FIRST, NOW).await, Ok(()));
    assert_eq!(local.requests().len(), 2, "the first question was answered in the end");
}

#[tokio::test]
async fn a_private_issuer_is_not_asked_unless_it_is_listed() {
    let local = LocalIssuer::start(&[&FIRST]);
    let mut options = github_options(&local);
    for jwks in [None, Some(format!("{}/keys", local.url))] {
        options.jwks = jwks;
        let issuers = Issuers::new(&[options.clone()], &Outbound::default()).unwrap();
        assert_eq!(at(&issuers, &local, &FIRST, NOW).await, Err(IdentityError::KeysAway(local.url.clone())));
    }
    assert!(local.requests().is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (local, other) = (LocalIssuer::start(&[&FIRST]), LocalIssuer::start(&[&FIRST]));
    local.answer(How::Redirect(format!("{}/keys", other.url)));
    let away = Err(IdentityError::KeysAway(local.url.clone()));
    assert_eq!(at(&github(&local), &local, &FIRST, NOW).await, away);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn the_discovery_document_names_the_issuer_and_its_own_host() {
    let (local, other) = (LocalIssuer::start(&[&FIRST]), LocalIssuer::start(&[&FIRST]));
    let (url, away) = (&local.url, Err(IdentityError::KeysAway(local.url.clone())));
    for document in [
        json!({"issuer": url, "jwks_uri": format!("{}/keys", other.url)}),
        json!({"issuer": url, "jwks_uri": format!("{}/keys", url.replace("127.0.0.1", "localhost"))}),
        json!({"issuer": url, "jwks_uri": format!("{}/keys", url.replace("http:", "https:"))}),
        json!({"issuer": url, "jwks_uri": "/keys"}),
        json!({"issuer": url, "jwks_uri": "file:///keys"}),
        json!({"issuer": other.url, "jwks_uri": format!("{url}/keys")}),
        json!({"issuer": format!("{url}/"), "jwks_uri": format!("{url}/keys")}),
        json!({"jwks_uri": format!("{url}/keys")}),
        json!({ "issuer": url }),
        json!([]),
    ] {
        local.set_discovery(document.clone());
        assert_eq!(at(&github(&local), &local, &FIRST, NOW).await, away, "{document}");
    }
    assert!(other.requests().is_empty() && key_requests(&local) == 0);
}

#[tokio::test]
async fn configured_addresses_of_keys_may_be_elsewhere() {
    let (local, keys) = (LocalIssuer::start(&[]), LocalIssuer::start(&[&FIRST]));
    let options = format!(
        "issuer = 'ISSUER'\naudience = 'https://results.example.org'\njwks = '{}/keys'\n[[policies]]\nclaims = {{ repository_id = 1234 }}\nscopes = ['upload']",
        keys.url
    );
    assert_eq!(at(&issuers(&local, &options), &local, &FIRST, NOW).await, Ok(()));
    assert!(local.requests().is_empty());
}

#[tokio::test]
async fn answers_without_usable_keys_count_as_none() {
    let local = LocalIssuer::start(&[&FIRST]);
    let away = Err(IdentityError::KeysAway(local.url.clone()));
    // 172 digits of base 64 hold 1032 bits.
    let mut weak = FIRST.jwk();
    weak["n"] = Value::String(weak["n"].as_str().unwrap()[..172].to_owned());
    let padding = "x".repeat(64 * 1024);
    for jwks in [
        json!({"keys": []}),
        json!({"keys": [weak.clone()]}),
        json!({"keys": {}}),
        json!("keys"),
        json!({"keys": [FIRST.jwk()], "padding": padding}),
    ] {
        local.set_jwks(jwks);
        assert_eq!(at(&github(&local), &local, &FIRST, NOW).await, away);
    }
    local.set_jwks(json!({"keys": [weak, CURVE.jwk()]}));
    let unknown = Err(IdentityError::UnknownKey(local.url.clone()));
    assert_eq!(at(&github(&local), &local, &FIRST, NOW).await, unknown, "its only key is too short");
}
