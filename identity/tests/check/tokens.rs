//! What each check answers.

use identity::{IdentityError, LEEWAY, MAX_TOKEN_BYTES};
use serde_json::json;

use crate::local_issuer::LocalIssuer;
use crate::signing_key::{CURVE, FIRST, SECOND, SigningKey, hs256_token, unsigned_token};
use crate::{AUDIENCE, NOW, check, claims, github, issuers, with};

#[tokio::test]
async fn a_token_of_either_algorithm_counts_for_its_run() {
    let local = LocalIssuer::start(&[&FIRST, &CURVE]);
    let issuers = github(&local);
    for key in [&*FIRST, &*CURVE] {
        let identity = check(&issuers, key, &claims(&local)).await.unwrap();
        assert_eq!(identity.actor, format!("repository octo/widget, run 77 ({})", local.url));
        assert_eq!(identity.scopes.texts(), ["upload:suite=layout-tests"]);
        assert_eq!(identity.run, "77");
    }
    assert_eq!(local.requests(), ["/.well-known/openid-configuration", "/keys"], "keys are asked for once");
}

#[tokio::test]
async fn a_token_may_come_again_within_its_run() {
    let local = LocalIssuer::start(&[&FIRST]);
    let (issuers, token) = (github(&local), FIRST.token(&claims(&local)));
    let first = issuers.check(&token, NOW).await.unwrap();
    assert_eq!(issuers.check(&token, NOW + 100).await.unwrap(), first);
    let other_run = check(&issuers, &FIRST, &with(claims(&local), "run_id", json!("78"))).await.unwrap();
    assert_eq!((first.run.as_str(), other_run.run.as_str()), ("77", "78"));
}

#[tokio::test]
async fn an_expired_token_is_refused_and_so_is_one_of_the_future() {
    let local = LocalIssuer::start(&[&FIRST]);
    let (issuers, token) = (github(&local), FIRST.token(&claims(&local)));
    let at = async |now| issuers.check(&token, now).await.map(|identity| identity.run);
    assert_eq!(at(NOW + 300 + LEEWAY - 1).await, Ok("77".to_owned()));
    assert_eq!(at(NOW + 300 + LEEWAY).await, Err(IdentityError::Expired));
    assert_eq!(at(NOW - 300 - LEEWAY).await, Ok("77".to_owned()));
    assert_eq!(at(NOW - 301 - LEEWAY).await, Err(IdentityError::NotYet));
}

#[tokio::test]
async fn times_of_the_wrong_type_are_refused() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    for exp in [json!(null), json!((NOW + 300).to_string()), json!(1.8e9 + 300.5), json!([NOW + 300]), json!(true)] {
        let error = check(&issuers, &FIRST, &with(claims(&local), "exp", exp.clone())).await.unwrap_err();
        assert!(matches!(error, IdentityError::Claim("exp", _)), "{exp}: {error}");
    }
    let error = check(&issuers, &FIRST, &with(claims(&local), "nbf", json!("0"))).await.unwrap_err();
    assert!(matches!(error, IdentityError::Claim("nbf", _)), "{error}");
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    let ours = || AUDIENCE.to_owned();
    for (audience, expected) in [
        (json!("https://other.example.org"), IdentityError::Audience(ours())),
        (json!("https://results.example.org/"), IdentityError::Audience(ours())),
        (json!(["https://other.example.org"]), IdentityError::Audience(ours())),
        (json!([AUDIENCE, "https://other.example.org"]), IdentityError::SeveralAudiences(ours())),
        (json!(null), IdentityError::Claim("aud", "a text, or a list of texts")),
        (json!({AUDIENCE: true}), IdentityError::Claim("aud", "a text, or a list of texts")),
    ] {
        let checked = check(&issuers, &FIRST, &with(claims(&local), "aud", audience.clone())).await;
        assert_eq!(checked, Err(expected), "{audience}");
    }
    assert!(check(&issuers, &FIRST, &with(claims(&local), "aud", json!([AUDIENCE]))).await.is_ok());
}

#[tokio::test]
async fn an_unknown_issuer_is_refused_and_nobody_is_asked() {
    let (local, other) = (LocalIssuer::start(&[&FIRST]), LocalIssuer::start(&[&FIRST]));
    let issuers = github(&local);
    for issuer in [other.url.clone(), format!("{}/", local.url), local.url.to_uppercase(), String::new()] {
        let checked = check(&issuers, &FIRST, &with(claims(&local), "iss", json!(issuer))).await;
        assert_eq!(checked, Err(IdentityError::UnknownIssuer(issuer)));
    }
    assert!(local.requests().is_empty() && other.requests().is_empty());
}

#[tokio::test]
async fn a_token_of_another_key_is_refused() {
    let local = LocalIssuer::start(&[&FIRST, &CURVE]);
    let issuers = github(&local);
    let other = [SigningKey::rsa(FIRST.id), SigningKey::p256(CURVE.id)];
    for key in &other {
        assert_eq!(check(&issuers, key, &claims(&local)).await, Err(IdentityError::Signature), "{}", key.id);
    }
    assert_eq!(check(&issuers, &SECOND, &claims(&local)).await, Err(IdentityError::UnknownKey(local.url.clone())));
    for header in [json!({"alg": "RS256"}), json!({"alg": "RS256", "kid": ""})] {
        let token = FIRST.token_with(&header, &claims(&local));
        assert_eq!(issuers.check(&token, NOW).await, Err(IdentityError::NoKeyId), "{header}");
    }
    // A key that the token brings along is not used.
    let header = json!({"alg": "RS256", "kid": FIRST.id, "jwk": other[0].jwk(), "jku": format!("{}/evil", local.url)});
    let token = other[0].token_with(&header, &claims(&local));
    assert_eq!(issuers.check(&token, NOW).await, Err(IdentityError::Signature));
    assert!(!local.requests().contains(&"/evil".to_owned()));
}

#[tokio::test]
async fn claims_that_were_changed_after_signing_are_refused() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    let (signed, wished) =
        (FIRST.token(&with(claims(&local), "ref", json!("refs/heads/x"))), FIRST.token(&claims(&local)));
    let [header, _, signature] = signed.split('.').collect::<Vec<_>>()[..] else { panic!("{signed}") };
    let payload = wished.split('.').nth(1).unwrap();
    assert_eq!(issuers.check(&format!("{header}.{payload}.{signature}"), NOW).await, Err(IdentityError::Signature));
    assert_eq!(issuers.check(&format!("{header}.{payload}."), NOW).await, Err(IdentityError::Signature));
}

#[tokio::test]
async fn the_key_decides_the_algorithm_and_the_configuration_which_count() {
    let local = LocalIssuer::start(&[&FIRST, &CURVE]);
    let (both, claims) = (github(&local), claims(&local));
    let swapped = Err(IdentityError::Algorithm("RS256, ES256".to_owned()));
    for key in [&*FIRST, &*CURVE] {
        for algorithm in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES384", "EdDSA", "", "rs256"] {
            let header = json!({"alg": algorithm, "kid": key.id});
            assert_eq!(both.check(&key.token_with(&header, &claims), NOW).await, swapped, "{header}");
            assert_eq!(both.check(&unsigned_token(&header, &claims), NOW).await, swapped, "{header}");
        }
        for secret in key.public_bytes() {
            let header = json!({"alg": "HS256", "kid": key.id});
            assert_eq!(both.check(&hs256_token(&secret, &header, &claims), NOW).await, swapped, "{}", key.id);
        }
    }
    for (key, other) in [(&*FIRST, "ES256"), (&*CURVE, "RS256")] {
        let header = json!({"alg": other, "kid": key.id});
        assert_eq!(both.check(&key.token_with(&header, &claims), NOW).await, swapped, "{header}");
    }
    let default = issuers(
        &local,
        "issuer = 'ISSUER'\naudience = 'https://results.example.org'\n[[policies]]\nclaims = { repository_id = 1234 }\nscopes = ['upload']",
    );
    assert!(check(&default, &FIRST, &claims).await.is_ok());
    assert_eq!(check(&default, &CURVE, &claims).await, Err(IdentityError::Algorithm("RS256".to_owned())));
}

#[tokio::test]
async fn extensions_that_have_to_be_understood_are_refused() {
    let local = LocalIssuer::start(&[&FIRST]);
    let issuers = github(&local);
    for header in [
        json!({"alg": "RS256", "kid": FIRST.id, "crit": ["exp"], "exp": 1}),
        json!({"alg": "RS256", "kid": FIRST.id, "crit": ["b64"], "b64": false}),
        json!({"alg": "RS256", "kid": FIRST.id, "crit": []}),
    ] {
        let error = issuers.check(&FIRST.token_with(&header, &claims(&local)), NOW).await.unwrap_err();
        assert!(matches!(error, IdentityError::Malformed(_)), "{header}: {error}");
    }
}

#[tokio::test]
async fn a_huge_token_is_refused_unread() {
    let local = LocalIssuer::start(&[&FIRST]);
    let huge = with(claims(&local), "padding", json!("x".repeat(MAX_TOKEN_BYTES)));
    assert_eq!(check(&github(&local), &FIRST, &huge).await, Err(IdentityError::TooLong));
    assert!(local.requests().is_empty());
}
