//! People who sign in at a provider.

use access::{Denied, PeopleOptions, Person, Role, SignIn};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::Provider;
use serde_json::{Value, json};

use crate::local_issuer::{How, LocalIssuer};
use crate::signing_key::{CURVE, FIRST, SECOND, SigningKey};
use crate::{NOW, loopback, with};

const ROLES: &str = r#"
    [[roles]]
    role = "admin"
    claims = { groups = ["ci-admins", "owners"] }
    [[roles]]
    role = "reader"
    claims = { email_verified = true }
"#;

fn provider(local: &LocalIssuer, more: &str, secret: Option<&str>) -> Provider {
    let toml = format!("[provider]\nissuer = 'ISSUER'\nclient_id = 'results'\n{more}\n{ROLES}");
    let options: PeopleOptions = toml::from_str(&toml.replace("ISSUER", &local.url)).unwrap();
    let address = Some("https://results.example.org/");
    Provider::new(&options, secret.map(str::to_owned), address, &loopback()).unwrap().unwrap()
}

/// A sign-in that a browser began.
struct Begun {
    kept: String,
    query: Vec<(String, String)>,
}

impl Begun {
    async fn at(provider: &Provider, endpoint: &str) -> Self {
        let departure = provider.begin().await.unwrap();
        let (before, query) = departure.url.split_once('?').unwrap();
        assert_eq!(before, endpoint);
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { kept: departure.kept, query }
    }

    fn member(&self, name: &str) -> &str {
        let mut found = self.query.iter().filter(|(found, _)| found == name);
        let value = &found.next().unwrap_or_else(|| panic!("{name} is missing in {:?}", self.query)).1;
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}

/// The claims of a token for the one who began this.
fn claims(local: &LocalIssuer, begun: &Begun) -> Value {
    json!({
        "iss": local.url, "aud": "results", "sub": "248289", "exp": NOW + 300, "iat": NOW,
        "nonce": begun.member("nonce"), "preferred_username": "ada", "groups": ["x", "ci-admins"],
    })
}

/// What becomes of a sign-in whose token has these claims.
async fn finish(
    local: &LocalIssuer,
    provider: &Provider,
    begun: &Begun,
    key: &SigningKey,
    claims: &Value,
) -> Result<Person, Denied> {
    let token = json!({"access_token": "a", "token_type": "Bearer", "id_token": key.token(claims)});
    local.set_exchange(200, token);
    provider.finish(&begun.kept, begun.member("state"), "the code", NOW).await
}

#[tokio::test]
async fn somebody_signs_in_with_proof_of_where_they_began() {
    let local = LocalIssuer::start(&[&FIRST]);
    let provider = provider(&local, "scopes = ['profile', 'groups']", Some("secret\n"));
    assert!(local.requests().is_empty(), "nobody is asked before somebody signs in");
    let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "results"),
        ("redirect_uri", "https://results.example.org/sign-in/back"),
        ("scope", "openid profile groups"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(begun.member(name), value);
    }
    let person = finish(&local, &provider, &begun, &FIRST, &claims(&local, &begun)).await.unwrap();
    assert_eq!(person, Person::new("ada", Role::Admin).unwrap());

    let exchanges = local.exchanges();
    let [(proof, form)] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    assert_eq!(*proof, format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("results:secret")));
    let form: std::collections::BTreeMap<String, String> =
        form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "the code"));
    assert_eq!(form["redirect_uri"], begun.member("redirect_uri"));
    // RFC 7636, section 4.6: the challenge is the SHA-256 of the verifier.
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(digest), begun.member("code_challenge"));
    assert!(!form.contains_key("client_secret"));
    // The next one begins without another question, and with secrets of their own.
    let asked = local.requests().len();
    let next = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    assert_eq!(local.requests().len(), asked);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(next.member(name), begun.member(name));
    }
}

#[tokio::test]
async fn a_provider_says_how_a_secret_is_sent() {
    let local = LocalIssuer::start(&[&FIRST]);
    let mut discovery = json!({
        "issuer": local.url, "jwks_uri": format!("{}/keys", local.url),
        "authorization_endpoint": format!("{}/authorize", local.url), "token_endpoint": format!("{}/token", local.url),
    });
    discovery["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    local.set_discovery(discovery);
    for (secret, sent) in [(Some("secret"), Some("secret".to_owned())), (None, None)] {
        let provider = provider(&local, "", secret);
        let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
        finish(&local, &provider, &begun, &FIRST, &claims(&local, &begun)).await.unwrap();
        let (proof, form) = local.exchanges().pop().unwrap();
        let found = form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "client_secret");
        assert_eq!((proof.as_str(), found.map(|(_, value)| value.into_owned())), ("", sent));
        assert!(form.contains("client_id=results"));
    }
}

#[tokio::test]
async fn another_browser_and_another_token_are_refused() {
    let local = LocalIssuer::start(&[&FIRST, &CURVE]);
    let provider = provider(&local, "", None);
    let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    let good = claims(&local, &begun);
    // What another browser kept, or none.
    let other = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    for (kept, state) in [
        ("", begun.member("state")),
        ("", ""),
        ("..", ""),
        (other.kept.as_str(), begun.member("state")),
        (begun.kept.as_str(), ""),
        (begun.kept.as_str(), other.member("state")),
    ] {
        let denied = provider.finish(kept, state, "the code", NOW).await.unwrap_err();
        assert!(denied.to_string().contains("begun in another browser"), "{denied}");
    }
    assert!(local.exchanges().is_empty());
    for (key, name, value, expected) in [
        (&*SECOND, "sub", json!("248289"), "signed with a key that"),
        (&CURVE, "sub", json!("248289"), "algorithm"),
        (&FIRST, "nonce", json!(other.member("nonce")), "of another sign-in"),
        (&FIRST, "nonce", Value::Null, "of another sign-in"),
        (&FIRST, "aud", json!("other"), "another audience"),
        (&FIRST, "aud", json!(["results", "other"]), "several audiences"),
        (&FIRST, "azp", json!("other"), "issued to another service"),
        (&FIRST, "iss", json!("https://other.example.org"), "https://other.example.org"),
        (&FIRST, "exp", json!(NOW - 300), "has expired"),
    ] {
        let denied =
            finish(&local, &provider, &begun, key, &with(good.clone(), name, value.clone())).await.unwrap_err();
        assert!(matches!(denied, Denied::SignInFailed(_)), "{name} {value}: {denied:?}");
        assert!(denied.to_string().contains(expected), "{name} {value}: {denied}");
    }
    assert!(finish(&local, &provider, &begun, &FIRST, &with(good, "azp", json!("results"))).await.is_ok());
}

#[tokio::test]
async fn claims_give_a_name_and_a_role() {
    let local = LocalIssuer::start(&[&FIRST]);
    let provider = provider(&local, "name_claim = 'email'", None);
    let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    let signed = async |changes: &[(&str, Value)]| {
        let changed =
            changes.iter().fold(claims(&local, &begun), |claims, (name, value)| with(claims, name, value.clone()));
        finish(&local, &provider, &begun, &FIRST, &changed).await
    };
    let person = |name: &str, role| Ok(Person::new(name, role).unwrap());
    assert_eq!(signed(&[("email", json!("ada@example.org"))]).await, person("ada@example.org", Role::Admin));
    assert_eq!(signed(&[]).await, person("248289", Role::Admin));
    assert_eq!(signed(&[("groups", json!("owners"))]).await, person("248289", Role::Admin));
    let reader = [("groups", Value::Null), ("email_verified", json!(true))];
    assert_eq!(signed(&reader).await, person("248289", Role::Reader));
    assert_eq!(signed(&[("groups", json!(["x"]))]).await, Err(Denied::NoRole("248289".to_owned())));
    for sub in [json!(7), json!(""), json!("a\nb"), json!("x".repeat(201))] {
        let denied = signed(&[("sub", sub.clone())]).await.unwrap_err();
        assert!(denied.to_string().contains("does not say who it is of"), "{sub}: {denied}");
    }
}

#[tokio::test]
async fn a_provider_that_refuses_or_is_away_signs_nobody_in() {
    let local = LocalIssuer::start(&[&FIRST]);
    let provider = provider(&local, "", Some("secret"));
    local.answer(How::Status(503));
    let away = provider.begin().await.unwrap_err();
    assert!(matches!(away, Denied::SignInAway(_)), "{away:?}");
    local.answer(How::Well);
    let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    for (status, body, expected) in [
        (400, json!({"error": "invalid_grant", "error_description": "<b>the code</b>"}), "refuses it: invalid_grant"),
        (200, json!({"access_token": "a", "token_type": "Bearer"}), "answer is no token"),
        (200, json!({"id_token": "a.b.c"}), "answer is no token"),
        (500, json!("no"), "answer is no token"),
    ] {
        local.set_exchange(status, body);
        let denied = provider.finish(&begun.kept, begun.member("state"), "the code", NOW).await.unwrap_err();
        assert!(denied.to_string().contains(expected) && !denied.to_string().contains("the code"), "{denied}");
    }
    local.answer(How::NotAtAll);
    let away = provider.finish(&begun.kept, begun.member("state"), "the code", NOW).await.unwrap_err();
    assert!(matches!(away, Denied::SignInAway(_)) && !away.to_string().contains("secret"), "{away:?}");
}

#[tokio::test]
async fn the_secret_goes_to_no_other_host_that_a_document_names() {
    let (local, other) = (LocalIssuer::start(&[&FIRST]), LocalIssuer::start(&[&FIRST]));
    local.set_discovery(json!({
        "issuer": local.url, "jwks_uri": format!("{}/keys", local.url),
        "authorization_endpoint": format!("{}/authorize", local.url), "token_endpoint": format!("{}/token", other.url),
    }));
    assert!(matches!(provider(&local, "", Some("secret")).begin().await, Err(Denied::SignInAway(_))));
    // Whoever configures it means it.
    let configured = format!("token_endpoint = '{}/token'", other.url);
    let provider = provider(&local, &configured, Some("secret"));
    let begun = Begun::at(&provider, &format!("{}/authorize", local.url)).await;
    let token = json!({"access_token": "a", "token_type": "Bearer", "id_token": FIRST.token(&claims(&local, &begun))});
    other.set_exchange(200, token);
    assert!(provider.finish(&begun.kept, begun.member("state"), "the code", NOW).await.is_ok());
    assert!(local.exchanges().is_empty());
}

#[test]
fn a_wrong_configuration_is_told_in_one_sentence() {
    let good = format!("provider = {{ issuer = 'https://id.example.org', client_id = 'results' }}\n{ROLES}");
    let error = |toml: &str, address: Option<&str>| {
        let options: PeopleOptions = toml::from_str(toml).unwrap();
        Provider::new(&options, None, address, &loopback()).unwrap_err().to_string()
    };
    let address = Some("https://results.example.org");
    assert!(Provider::new(&toml::from_str(&good).unwrap(), None, address, &loopback()).unwrap().is_some());
    for (toml, address, expected) in [
        (
            good.replace("https://id", "http://id"),
            address,
            "access.people.provider: 'http://id.example.org' is not an https",
        ),
        (good.replace("'results'", "''"), address, "access.people.provider needs a client_id"),
        (
            good.replace("'results' }", "'results', algorithms = [] }"),
            address,
            "access.people.provider: 'https://id.example.org' needs an algorithm",
        ),
        (
            good.replace("'results' }", "'results', token_endpoint = 'ftp://x' }"),
            address,
            "access.people.provider: 'ftp://x' is not an https",
        ),
        (good.replace(ROLES, ""), address, "access.people has no roles"),
        (
            good.replace("true", "''"),
            address,
            "role 2 of access.people.roles has no value, or an empty one, for the claim 'email_verified'",
        ),
        (good.clone(), None, "access.people.provider needs the `address`"),
        (good.clone(), Some("results"), "access.people.provider: the `address` 'results' is none"),
    ] {
        let error = error(&toml, address);
        assert!(error.starts_with(expected), "{error}");
    }
    for toml in ["provider = { issuer = 'a' }", "[[roles]]\nrole = 'root'", "proxy = { user = 'a' }", "provder = {}"] {
        assert!(toml::from_str::<PeopleOptions>(toml).is_err(), "{toml}");
    }
}
