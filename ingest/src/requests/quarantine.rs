//! `POST /api/quarantine`: says that failures of a test do not count until a time, prolongs that, or takes it back. The
//! sender of a page's form is led back to the list, or to the test that it came from (`shown`).

use axum::extract::State;
use axum::response::Response;
use clickhouse::Row;
use schema::clock::now_signed;
use schema::event::Request;
use schema::quarantine::{QuarantineEntry, Release};
use schema::seconds::DAY;
use schema::state::State as TestState;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::openapi::Operation;
use web::time::{self, Time};

use super::said::{Said, page};
use super::schemas::{REFUSALS, kept};
use super::unheard;
use crate::checks::covered::{CoveredFailures, is_page, line, name_schema};
use crate::checks::document;
use crate::error::{IntakeError, bad};
use crate::state::Intake;

/// `POST /api/quarantine`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/quarantine",
    "Say that failures of a test, or of those that a pattern with * describes, do not count until a time; with \
              the state closed, that they count again",
    kept,
    REFUSALS,
)
.taking(document_schema);

/// The longest time that an entry lasts, days. What is not mended in half a year is said anew, or taken out of the suite.
const MAX_DAYS: i64 = 180;
const DAY_SECONDS: i64 = DAY as i64;
/// The longest reason: a line that a list can show.
const MAX_REASON_BYTES: usize = 500;
/// The longest name of a person or a team.
const MAX_PERSON_BYTES: usize = 200;

fn document_schema() -> Value {
    let name = name_schema();
    let person = json!({ "type": "string", "maxLength": MAX_PERSON_BYTES });
    let states: Vec<&str> = TestState::failures().map(TestState::name).collect();
    json!({
        "type": "object",
        "properties": {
            "suite": name, "test": name, "configuration": { "type": "object" }, "failure": { "enum": states },
            "reason": { "type": "string", "minLength": 1, "maxLength": MAX_REASON_BYTES },
            "owner": person, "bug": { "type": "string", "pattern": "^https?://[^/]+" },
            "by": { "type": "string", "maxLength": MAX_PERSON_BYTES, "description": "Who says so, where the server asks nobody" },
            "until": {
                "type": ["number", "string"],
                "description": "When it ends: seconds since 1970, a date (to its end in UTC) or a time such as \
                                2026-01-31T12:00:00Z; at most 180 days from now",
            },
            "days": { "type": "number", "description": "In the place of until: how long it lasts" },
            "state": { "enum": ["open", "closed"] },
            "shown": { "type": "string", "description": "The test whose page a form came from" },
        },
        "required": ["suite", "test"],
        "additionalProperties": false,
    })
}

/// What a document asks for.
struct Asked {
    covered: CoveredFailures,
    /// Who says so, as the document has it.
    by: String,
    /// What is said of a test that is parked; none of one that is released.
    parking: Option<Parking>,
}

struct Parking {
    reason: String,
    owner: String,
    bug: String,
    /// Seconds since 1970.
    until: i64,
}

/// What was last said of the same failures.
#[derive(Row, Deserialize)]
struct Stored {
    reason: String,
    owner: String,
    bug: String,
    parked_by: String,
    since: u32,
    until: u32,
    released_at: u32,
}

impl Stored {
    fn counts(&self, now: i64) -> bool {
        self.released_at == 0 && i64::from(self.until) > now
    }
}

pub(crate) async fn quarantine(State(intake): State<Intake>, said: Said) -> Result<Response, IntakeError> {
    let now = now_signed();
    let members = said.members(&OPERATION)?;
    let mut asked = Asked::read(members, now)?;
    if let Some(actor) = said.sender.actor()? {
        if !asked.by.is_empty() && asked.by != actor {
            return Err(bad(format!("'by' is {actor} by the key or the session, and nobody else")));
        }
        asked.by = actor;
    }
    let stored = stored(&intake.client, &asked.covered).await?;
    let warning = match asked.parking {
        Some(_) => unheard::of_failures(&intake.client, &asked.covered).await?,
        None => None,
    };
    let entry = asked.entry(stored, now)?;
    let suite = entry.suite.clone();
    let shown = match members.get("shown").and_then(Value::as_str).filter(|test| !test.is_empty()) {
        Some(test) => page("/", &[("suite", &suite), ("test", test)]),
        None => page("/quarantine", &[("suite", &suite)]),
    };
    let request = Request::Quarantine(entry.into());
    said.keep(&intake, &suite, request, "entry of the quarantine", &shown, warning).await
}

/// What was last said of the same failures, if anything was.
async fn stored(client: &clickhouse::Client, covered: &CoveredFailures) -> Result<Option<Stored>, IntakeError> {
    let configuration = serde_json::to_string(&covered.configuration).map_err(|error| bad(error.to_string()))?;
    let sql = "SELECT reason, owner, bug, parked_by, since, until, released_at FROM quarantine \
               WHERE suite = ? AND test = ? AND configuration = ? AND failure = ?";
    let query = client.query(sql).bind(&covered.suite).bind(&covered.test).bind(configuration);
    Ok(query.bind(covered.failure.as_deref().unwrap_or_default()).fetch_optional().await?)
}

impl Asked {
    /// What a document asks for; `now` in seconds since 1970.
    fn read(members: &Map<String, Value>, now: i64) -> Result<Self, IntakeError> {
        let covered = CoveredFailures::read(members)?;
        if covered.test.bytes().all(|byte| byte == b'*') {
            return Err(bad("'test' describes every test of the suite; name a test, or a part of its name with *"));
        }
        let by = line(members, "by", MAX_PERSON_BYTES)?;
        let parking = if document::is_open(members)? { Some(Parking::read(members, now)?) } else { None };
        Ok(Self { covered, by, parking })
    }

    /// The entry that is appended. Whoever prolongs an entry need not know its owner and bug, and it keeps its beginning.
    fn entry(self, stored: Option<Stored>, now: i64) -> Result<QuarantineEntry, IntakeError> {
        let Self { covered: CoveredFailures { suite, test, configuration, failure }, by, parking } = self;
        let entry = |parking: Parking, by, since, release| {
            let Parking { reason, owner, bug, until } = parking;
            let (suite, test) = (suite.clone(), test.clone());
            QuarantineEntry { suite, test, configuration, failure, reason, owner, bug, by, since, until, release }
        };
        let Some(parking) = parking else {
            let Some(stored) = stored.filter(|stored| stored.released_at == 0) else {
                let text = format!("'{test}' of '{suite}' is not in quarantine in that way; /quarantine lists what is");
                return Err(IntakeError::NotFound(text));
            };
            let Stored { reason, owner, bug, parked_by, since, until, .. } = stored;
            let parking = Parking { reason, owner, bug, until: until.into() };
            return Ok(entry(parking, parked_by, since.into(), Some(Release { by })));
        };
        let Some(stored) = stored.filter(|stored| stored.counts(now)) else { return Ok(entry(parking, by, now, None)) };
        let or = |given: String, known: String| if given.is_empty() { known } else { given };
        let (owner, bug) = (or(parking.owner, stored.owner), or(parking.bug, stored.bug));
        Ok(entry(Parking { owner, bug, ..parking }, by, stored.since.into(), None))
    }
}

impl Parking {
    fn read(members: &Map<String, Value>, now: i64) -> Result<Self, IntakeError> {
        let reason = line(members, "reason", MAX_REASON_BYTES)?;
        if reason.is_empty() {
            return Err(bad("'reason' must say why the failures do not count"));
        }
        let owner = line(members, "owner", MAX_PERSON_BYTES)?;
        let bug = document::text(members, "bug").trim().to_owned();
        if !bug.is_empty() && !is_page(&bug) {
            return Err(bad("'bug' must be the address of the bug's page: it begins with https:// or http://"));
        }
        Ok(Self { reason, owner, bug, until: until(members, now)? })
    }
}

/// When an entry ends, seconds since 1970: an end is required, and lies ahead.
fn until(members: &Map<String, Value>, now: i64) -> Result<i64, IntakeError> {
    let given = |name: &str| Some(document::text(members, name).trim().to_owned()).filter(|text| !text.is_empty());
    let until = match (given("until"), given("days")) {
        (Some(_), Some(_)) => return Err(bad("'until' and 'days' say the same; give one of them")),
        (Some(until), None) => {
            time::read(&until).map(Time::seconds).ok_or_else(|| bad(format!("'until' is {}", time::SPELLINGS)))?
        }
        (None, Some(days)) => {
            let days = days.parse::<f64>().ok().filter(|days| *days > 0.0 && *days <= MAX_DAYS as f64);
            let days = days.ok_or_else(|| bad(format!("'days' must be a number above 0 and up to {MAX_DAYS}")))?;
            now.saturating_add((days * DAY_SECONDS as f64) as i64)
        }
        (None, None) => return Err(bad("'until' must say when the quarantine ends: every entry has an end")),
    };
    if until <= now {
        return Err(bad("'until' must lie ahead: the quarantine would be over already"));
    }
    // The last day that may be named lasts to its end.
    if until > now.saturating_add((MAX_DAYS + 1) * DAY_SECONDS) {
        return Err(bad(format!("'until' must lie at most {MAX_DAYS} days ahead; prolong the entry then")));
    }
    Ok(until)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 2026-09-21, 14:13:20 UTC.
    const NOW: i64 = 1_790_000_000;

    fn read(text: &str) -> Result<Asked, IntakeError> {
        Asked::read(&serde_json::from_str(text).unwrap(), NOW)
    }

    fn with(more: &str) -> Result<Asked, IntakeError> {
        read(&format!(r#"{{"suite":"s","test":"a",{more}}}"#))
    }

    fn stored(until: i64, released_at: u32) -> Option<Stored> {
        let (reason, owner, bug, parked_by) = ("old".into(), "layout".into(), "https://b/1".into(), "ada".into());
        Some(Stored { reason, owner, bug, parked_by, since: 7, until: until as u32, released_at })
    }

    #[test]
    fn an_end_has_several_spellings() {
        let until =
            |more: &str| with(&format!(r#""reason":"r",{more}"#)).map(|asked| asked.parking.unwrap().until).ok();
        assert_eq!(until(r#""until":1790000001"#), Some(NOW + 1));
        assert_eq!(until(r#""until":"1790000001.7""#), Some(NOW + 1));
        assert_eq!(until(r#""until":"2026-09-21T14:13:21Z""#), Some(NOW + 1));
        assert_eq!(until(r#""until":"2026-09-21T16:13:21+02:00""#), Some(NOW + 1));
        // A date lasts to its end.
        assert_eq!(until(r#""until":"2026-09-21""#), Some(1_790_035_200));
        assert_eq!(until(r#""days":14"#), Some(NOW + 14 * DAY_SECONDS));
        assert_eq!(until(r#""days":"0.5""#), Some(NOW + DAY_SECONDS / 2));
        assert_eq!(until(r#""days":180"#), Some(NOW + 180 * DAY_SECONDS));
        for wrong in [
            r#""until":null"#,
            r#""until":1790000000"#,
            r#""until":"2026-09-20""#,
            r#""until":"tomorrow""#,
            r#""until":"2027-03-22""#,
            r#""until":1e300"#,
            r#""until":-1"#,
            r#""until":"nan""#,
            r#""days":0"#,
            r#""days":181"#,
            r#""days":"nan""#,
            r#""days":1,"until":1790000001"#,
        ] {
            assert_eq!(until(wrong), None, "{wrong}");
        }
        assert!(until(r#""until":"2027-03-20""#).is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str| read(text).map(drop).unwrap_err().to_string();
        let more = |more: &str| with(more).map(drop).unwrap_err().to_string();
        assert_eq!(refused("{}"), "No test suite specified");
        assert!(refused(r#"{"suite":"s"}"#).starts_with("'test' must be"));
        assert!(refused(r#"{"suite":"s","test":"**"}"#).starts_with("'test' describes every test"));
        assert!(more(r#""days":1"#).starts_with("'reason' must say"));
        assert!(more(r#""days":1,"reason":"  ""#).starts_with("'reason' must say"));
        assert!(more(r#""days":1,"reason":"a\nb""#).starts_with("'reason' must be a line"));
        assert!(more(&format!(r#""days":1,"reason":"{}""#, "a".repeat(501))).starts_with("'reason' must be a line"));
        assert!(more(r#""reason":"r""#).starts_with("'until' must say when"));
        assert_eq!(more(r#""days":0,"reason":"r""#), "'days' must be a number above 0 and up to 180");
        assert!(more(r#""days":1,"reason":"r","bug":"javascript:alert(1)""#).starts_with("'bug' must be"));
        assert!(more(r#""days":1,"reason":"r","failure":"PASS""#).starts_with("'failure' is the state"));
        assert!(more(r#""days":1,"reason":"r","configuration":{"platform":1}"#).starts_with("'configuration':"));
        assert!(more(r#""days":1,"reason":"r","state":"gone""#).starts_with("'state' is"));
        assert!(
            more(&format!(r#""days":1,"reason":"r","owner":"{}""#, "o".repeat(201))).starts_with("'owner' must be")
        );
    }

    #[test]
    fn an_entry_that_is_prolonged_keeps_its_beginning_its_owner_and_its_bug() {
        let asked = || with(r#""days":1,"reason":"new","by":"grace""#).unwrap();
        let entry = asked().entry(stored(NOW + 5, 0), NOW).unwrap();
        assert_eq!((entry.since, entry.owner.as_str(), entry.bug.as_str()), (7, "layout", "https://b/1"));
        assert_eq!((entry.reason.as_str(), entry.by.as_str(), entry.until), ("new", "grace", NOW + DAY_SECONDS));
        // What was over, or was taken back, begins anew.
        for over in [None, stored(NOW, 0), stored(NOW + 5, 9)] {
            let entry = asked().entry(over, NOW).unwrap();
            assert_eq!((entry.since, entry.owner.as_str(), entry.bug.as_str()), (NOW, "", ""));
        }
    }

    #[test]
    fn only_what_is_parked_is_released_and_says_who_parked_it() {
        let asked = || with(r#""state":"closed","by":"grace""#).unwrap();
        let entry = asked().entry(stored(NOW + 5, 0), NOW).unwrap();
        assert_eq!((entry.by.as_str(), entry.release), ("ada", Some(Release { by: "grace".into() })));
        assert_eq!((entry.since, entry.until, entry.reason.as_str()), (7, NOW + 5, "old"));
        assert!(asked().entry(stored(NOW - 5, 0), NOW).is_ok());
        for nothing in [None, stored(NOW + 5, 9)] {
            let refused = asked().entry(nothing, NOW).map(drop).unwrap_err().to_string();
            assert!(refused.starts_with("'a' of 's' is not in quarantine"), "{refused}");
        }
    }
}
