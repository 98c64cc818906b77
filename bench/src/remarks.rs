//! What people say of the generated tests: who owns them, which bugs explain them, which are parked; and changes under review.

use anyhow::Context;
use serde_json::{Value, json};

use crate::documents::{self, CONFIGURATIONS, SUITE};
use crate::server::{agent, upload};
use crate::{TESTS, now};

/// Bugs, and entries of the quarantine.
const ENTRIES: usize = 50;
/// Changes with a run each, of ids from 0 on.
pub(crate) const CHANGES: usize = 40;

/// Says it to a running server; what a build does not know is left out.
pub(crate) fn post(url: &str) -> anyhow::Result<()> {
    let (agent, names) = (agent(), documents::names(TESTS));
    let say = |path: &str, document: Value| {
        let answer = agent.post(format!("{url}{path}")).header("Prefer", "wait=60").send(document.to_string());
        match answer {
            Ok(_) | Err(ureq::Error::StatusCode(404 | 405)) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("saying {document} to {url}{path}")),
        }
    };
    let folders = documents::AREAS.iter().map(|area| format!("{area}/ @{area}\n"));
    say("/api/owners", json!({ "suite": SUITE, "text": folders.collect::<String>() }))?;
    for (number, test) in names.iter().step_by(names.len() / ENTRIES).enumerate() {
        say("/api/bugs", json!({ "suite": SUITE, "test": test, "url": format!("https://bugs.example.org/{number}") }))?;
        let parked = json!({ "suite": SUITE, "test": test, "reason": "flaky", "days": 14, "by": "bench" });
        say("/api/quarantine", parked)?;
    }
    for number in 0..CHANGES {
        let document = documents::run(&names, number % CONFIGURATIONS, 900_000 + number, now()?, number as u64);
        let change = json!({ "id": number.to_string(), "authors": ["ada@example.org"] });
        upload(&agent, url, &document.replacen('{', &format!(r#"{{"change":{change},"#), 1))?;
    }
    Ok(())
}
