//! `POST /api/keys` makes a key, which its answer alone shows; `POST /api/keys/<id>/revoke` ends one, and `…/rotate` makes
//! another in its place, while the old one goes on to count for a day.

use access::{Kind, MAX_SCOPES, Scopes, Secret};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use schema::access_key::{AccessKey, KeyEnd};
use schema::clock::now_signed;
use schema::event::Request;
use schema::plain::is_plain;
use schema::seconds::DAY;
use serde_json::{Map, Value, json};
use web::openapi::{Operation, object, text, whole};
use web::same_site::refuse_cross_site;

use super::page_or_json::{accepts_page, plain_page};
use super::said::Said;
use super::schemas::REFUSALS;
use crate::append::no_payload;
use crate::checks::body::without_query;
use crate::checks::document;
use crate::error::{IntakeError, bad};
use crate::sender::Sender;
use crate::state::Intake;
use crate::wait::append_and_show;

/// `POST /api/keys`.
pub(crate) const MAKE: Operation =
    Operation::post("/api/keys", "Make a key; its answer alone shows it", made_schema, REFUSALS)
        .taking(document_schema);

/// `POST /api/keys/{id}/{action}`.
pub(crate) const CHANGE: Operation = Operation::post(
    "/api/keys/{id}/{action}",
    "Revoke a key, or rotate it: make another in its place, while it goes on to count for a day",
    || {
        json!({
            "type": "object",
            "properties": { "status": { "const": "ok" }, "id": text(), "key": text(), "expires_at": { "type": ["integer", "null"] } },
            "required": ["status", "id"],
            "additionalProperties": false,
        })
    },
    REFUSALS,
);

/// How long a key counts whose maker says nothing else, and the longest that one may, days.
const USUAL_DAYS: u64 = 90;
const MAX_DAYS: u64 = 3650;
/// How long a replaced key goes on to count, seconds.
const OVERLAP: i64 = DAY as i64;
/// The longest name, bytes: a line that a list can show.
const MAX_NAME_BYTES: usize = 100;

fn document_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": MAX_NAME_BYTES },
            "scopes": {
                "type": ["array", "string"], "items": text(), "minItems": 1, "maxItems": MAX_SCOPES,
                "description": "read, link, quarantine, admin or upload, which may be limited: upload:suite=NAME,repository=ID,lane=change",
            },
            "days": { "type": ["integer", "string", "null"], "description": "How long it counts; 90 by default, for ever if never" },
        },
        "required": ["name", "scopes"],
        "additionalProperties": false,
    })
}

fn made_schema() -> Value {
    object(&[
        ("status", json!({ "const": "ok" })),
        ("id", text()),
        ("key", text()),
        ("expires_at", json!({ "anyOf": [whole(), { "type": "null" }] })),
    ])
}

pub(crate) async fn make(State(intake): State<Intake>, said: Said) -> Result<Response, IntakeError> {
    let (now, sender) = (now_signed(), &said.sender);
    let WantedKey { name, scopes, lasts } = WantedKey::read(said.members(&MAKE)?)?;
    let (key, secret) = new_key(name, &scopes, now, lasts)?;
    store(&intake, sender, Request::Key(key.clone()), &key.id).await?;
    Ok(shown(&sender.headers, &key, &secret))
}

pub(crate) async fn change(
    State(intake): State<Intake>,
    Path((id, action)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    sender: Sender,
) -> Result<Response, IntakeError> {
    without_query(query.as_deref())?;
    refuse_cross_site(&sender.headers)?;
    let now = now_signed();
    let replaced = match action.as_str() {
        "revoke" => false,
        "rotate" => true,
        _ => return Err(IntakeError::NotFound(format!("'{action}' is neither revoke nor rotate"))),
    };
    let Some(known) = intake.door.stored_key(&id) else {
        return Err(if intake.door.configured_keys().iter().any(|key| key.id == id) {
            bad(format!(
                "The key '{id}' is one of the configuration: take it out of there, and start the services again"
            ))
        } else {
            IntakeError::NotFound(format!("There is no key '{id}' that was made here"))
        });
    };
    if !replaced {
        store(&intake, &sender, Request::KeyEnd(KeyEnd { id: id.clone(), at: now }), &id).await?;
        return Ok(if accepts_page(&sender.headers) {
            Redirect::to("/admin/keys").into_response()
        } else {
            Json(json!({ "status": "ok", "id": id })).into_response()
        });
    }
    if known.check(now).is_err() {
        return Err(bad(format!("The key '{id}' counts no more; make a new one")));
    }
    let lasts = known.expires_at.map(|_| USUAL_DAYS);
    let (key, secret) = new_key(known.name.clone(), &known.scopes, now, lasts)?;
    store(&intake, &sender, Request::Key(key.clone()), &key.id).await?;
    let at = now.saturating_add(OVERLAP);
    store(&intake, &sender, Request::KeyEnd(KeyEnd { id: id.clone(), at }), &id).await?;
    Ok(shown(&sender.headers, &key, &secret))
}

/// A key that is asked for.
struct WantedKey {
    name: String,
    scopes: Scopes,
    /// Days; for ever if absent.
    lasts: Option<u64>,
}

impl WantedKey {
    /// Reads a document, or a form of our own page, in which scopes are words.
    fn read(members: &Map<String, Value>) -> Result<Self, IntakeError> {
        let name = document::text(members, "name").trim().to_owned();
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !is_plain(&name) {
            return Err(bad(format!(
                "'name' must be a line of 1 to {MAX_NAME_BYTES} bytes that says what the key is for"
            )));
        }
        let texts: Vec<&str> = match members.get("scopes") {
            Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().unwrap_or_default()).collect(),
            Some(Value::String(words)) => words.split_whitespace().collect(),
            _ => Vec::new(),
        };
        let scopes = Scopes::parse(texts.iter().copied()).map_err(|error| bad(error.to_string()))?;
        if scopes.is_empty() || texts.len() > MAX_SCOPES {
            return Err(bad(format!(
                "'scopes' must be a list of 1 to {MAX_SCOPES} scopes, such as [\"upload\", \"read\"]"
            )));
        }
        let days = document::text(members, "days");
        let lasts = match days.trim() {
            "" => Some(USUAL_DAYS),
            "never" => None,
            days => {
                let days = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
                Some(days.ok_or_else(|| bad(format!("'days' must be a number from 1 to {MAX_DAYS}, or never")))?)
            }
        };
        Ok(Self { name, scopes, lasts })
    }
}

/// A new key, and what its holder is shown.
fn new_key(name: String, scopes: &Scopes, now: i64, lasts: Option<u64>) -> Result<(AccessKey, Secret), IntakeError> {
    let kind = match () {
        () if scopes.may_administer() => Kind::Admin,
        () if scopes.may_upload_something() || scopes.may_link() || scopes.may_quarantine() => Kind::Upload,
        () => Kind::Read,
    };
    let secret = Secret::generate(kind).map_err(|error| IntakeError::Unavailable(error.to_string()))?;
    let digest = secret.digest();
    let expires_at = lasts.map(|days| now.saturating_add_unsigned(days.saturating_mul(DAY)));
    let scopes = scopes.texts();
    let key = AccessKey { id: digest.id(), name, digest: digest.to_string(), scopes, created_at: now, expires_at };
    Ok((key, secret))
}

/// Appends what is said of a key; returns once this service goes by it.
async fn store(intake: &Intake, sender: &Sender, request: Request, id: &str) -> Result<(), IntakeError> {
    if intake.door.is_open() {
        // A key that anybody can make must not come to count once this server asks for keys.
        return Err(bad("This server asks nobody for a key: configure [access] first"));
    }
    // What is said of one key keeps its order.
    append_and_show(&intake.appender, id.as_bytes(), request, no_payload(), sender, "key").await?;
    Ok(access::load(&intake.door, &intake.client).await?)
}

/// Shows a key to the one who made it, and to nobody else: nothing between us and them keeps the answer.
fn shown(headers: &HeaderMap, key: &AccessKey, secret: &Secret) -> Response {
    let private = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    if !accepts_page(headers) {
        let AccessKey { id, expires_at, .. } = key;
        let answer = json!({ "status": "ok", "id": id, "key": secret.expose(), "expires_at": expires_at });
        return (private, Json(answer)).into_response();
    }
    // The texts of a key and of its id are letters, digits and underscores.
    let page = include_str!("key.html").replace("{id}", &key.id).replace("{key}", secret.expose());
    (private, plain_page(page)).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, Option<u64>), String> {
        let wanted = WantedKey::read(&serde_json::from_str(text).unwrap()).map_err(|error| error.to_string())?;
        Ok((wanted.scopes.texts(), wanted.lasts))
    }

    #[test]
    fn keys_expire_unless_somebody_says_otherwise() {
        assert_eq!(read(r#"{"name":"a","scopes":["read"]}"#), Ok((vec!["read".into()], Some(90))));
        assert_eq!(read(r#"{"name":"a","scopes":"read upload:suite=x","days":"7"}"#).unwrap().1, Some(7));
        assert_eq!(read(r#"{"name":"a","scopes":["read"],"days":"never"}"#).unwrap().1, None);
        for wrong in [r#""days":0"#, r#""days":-1"#, r#""days":3651"#, r#""days":1.5"#, r#""days":"soon""#] {
            assert!(
                read(&format!(r#"{{"name":"a","scopes":["read"],{wrong}}}"#)).unwrap_err().starts_with("'days'"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(read("{}").unwrap_err().starts_with("'name'"));
        assert!(read(r#"{"name":"a\nb","scopes":["read"]}"#).unwrap_err().starts_with("'name'"));
        for scopes in ["[]", "7", "\" \"", "null"] {
            assert!(
                read(&format!(r#"{{"name":"a","scopes":{scopes}}}"#)).unwrap_err().starts_with("'scopes'"),
                "{scopes}"
            );
        }
        assert!(read(r#"{"name":"a","scopes":["raed"]}"#).unwrap_err().starts_with("'raed' is no scope"));
        assert!(read(r#"{"name":"a","scopes":[7]}"#).unwrap_err().starts_with("'' is no scope"));
    }

    #[test]
    fn the_letter_of_a_key_says_the_most_that_it_allows() {
        for (scopes, start) in [(&["read", "admin"][..], "rdb_a_"), (&["link"], "rdb_u_"), (&["read"], "rdb_r_")] {
            let scopes = Scopes::parse(scopes.iter().copied()).unwrap();
            let (key, secret) = new_key("a".into(), &scopes, 100, Some(1)).unwrap();
            assert!(secret.expose().starts_with(start));
            assert_eq!((key.digest, key.expires_at), (secret.digest().to_string(), Some(100 + 86_400)));
        }
    }
}
