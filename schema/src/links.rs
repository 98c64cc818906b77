//! Derives a run's links to its CI from what the uploader says of it: section 11 of the wire contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::Links;

/// The numbers by which a buildbot master addresses its builders and workers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MasterIds {
    /// Builder name → id.
    pub builders: BTreeMap<String, u64>,
    /// Worker name → id.
    pub workers: BTreeMap<String, u64>,
}

/// A master that no configuration names, and no link beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("No link defined or URL factory for {0}")]
pub struct UnknownMaster(pub String);

/// The master that the details name.
pub fn master(details: &Map<String, Value>) -> Option<&str> {
    details.get("buildbot-master").and_then(Value::as_str).filter(|master| !master.is_empty())
}

/// What follows the scheme of an address of the web; none for anything else, which no page may link to.
pub fn on_the_web(address: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| address.strip_prefix(scheme))
}

/// The links; `ids` are those of the named master, none if no configuration knows it.
pub fn derive(details: &Map<String, Value>, ids: Option<&MasterIds>) -> Result<Links, UnknownMaster> {
    let text = |name: &str| match details.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // Nothing but web pages may be linked to: the text comes from outside.
    let link = text("link").filter(|link| on_the_web(link).is_some());
    let mut links = Links { build: link, ..Links::default() };
    let Some(master) = master(details) else { return Ok(links) };
    let Some(ids) = ids else {
        return if links.build.is_some() { Ok(links) } else { Err(UnknownMaster(master.to_owned())) };
    };
    let id = |of: &BTreeMap<String, u64>, name: &str| text(name).and_then(|name| of.get(&name).copied());
    links.queue = id(&ids.builders, "builder-name").map(|id| format!("https://{master}/#/builders/{id}"));
    links.worker = id(&ids.workers, "buildbot-worker").map(|id| format!("https://{master}/#/workers/{id}"));
    if links.build.is_none() {
        links.build = links.queue.as_ref().map(|queue| match text("build-number") {
            Some(number) => format!("{queue}/builds/{number}"),
            None => queue.clone(),
        });
    }
    Ok(links)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn derived(details: Value, known: bool) -> Result<Links, UnknownMaster> {
        let ids = MasterIds { builders: [("b".to_owned(), 7)].into(), workers: [("w".to_owned(), 31)].into() };
        derive(details.as_object().unwrap(), known.then_some(&ids))
    }

    #[test]
    fn a_known_master_addresses_by_number() {
        let details = json!({"buildbot-master": "m", "builder-name": "b", "build-number": 5, "buildbot-worker": "w"});
        let links = derived(details, true).unwrap();
        assert_eq!(links.build.as_deref(), Some("https://m/#/builders/7/builds/5"));
        assert_eq!(links.worker.as_deref(), Some("https://m/#/workers/31"));
        let links = derived(json!({"buildbot-master": "m", "builder-name": "b", "link": "https://x"}), true).unwrap();
        assert_eq!(
            (links.build.as_deref(), links.queue.as_deref()),
            (Some("https://x"), Some("https://m/#/builders/7"))
        );
    }

    #[test]
    fn an_unknown_master_needs_a_link_and_no_master_needs_nothing() {
        assert_eq!(derived(json!({"buildbot-master": "m"}), false), Err(UnknownMaster("m".into())));
        let links = derived(json!({"buildbot-master": "m", "link": "https://x"}), false).unwrap();
        assert_eq!(links.build.as_deref(), Some("https://x"));
        assert_eq!(derived(json!({}), false), Ok(Links::default()));
        assert_eq!(derived(json!({"link": "javascript:alert(1)"}), false), Ok(Links::default()));
    }
}
