//! Derives a run's links to its CI, with the numbers by which buildbot masters address their builders and workers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schema::event::Links;
use schema::links::{self, MasterIds, UnknownMaster};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use web::blocking::blocking;

/// How long a master's ids are used before it is asked again.
const FRESH: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(10);

/// The configured masters, and the ids that those without configured ids answered.
#[derive(Clone)]
pub(crate) struct BuildbotMasters {
    configured: Arc<BTreeMap<String, Option<MasterIds>>>,
    answered: Arc<Mutex<HashMap<String, (Instant, MasterIds)>>>,
}

impl BuildbotMasters {
    pub(crate) fn new(configured: BTreeMap<String, Option<MasterIds>>) -> Self {
        Self { configured: Arc::new(configured), answered: Arc::default() }
    }

    /// A run's links to its CI.
    pub(crate) async fn links(&self, details: &Map<String, Value>) -> Result<Links, UnknownMaster> {
        let ids = match links::master(details).and_then(|master| self.configured.get_key_value(master)) {
            None => None,
            Some((_, Some(ids))) => Some(ids.clone()),
            Some((master, None)) => Some(self.ids(master).await),
        };
        links::derive(details, ids.as_ref())
    }

    /// The ids that the master answers now, or answered within the hour; one that does not answer has none for that long.
    async fn ids(&self, master: &str) -> MasterIds {
        let mut answered = self.answered.lock().await;
        if let Some((_, ids)) = answered.get(master).filter(|(at, _)| at.elapsed() < FRESH) {
            return ids.clone();
        }
        let host = master.to_owned();
        let answer = blocking(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
            Ok::<_, ureq::Error>(MasterIds {
                builders: listed(&agent, &host, "builders", "builderid")?,
                workers: listed(&agent, &host, "workers", "workerid")?,
            })
        })
        .await;
        let ids = match answer {
            Ok(Ok(ids)) => ids,
            Ok(Err(error)) => {
                tracing::warn!(master, %error, "a buildbot master did not say its ids; its runs have no links for now");
                MasterIds::default()
            }
            Err(_) => MasterIds::default(),
        };
        answered.insert(master.to_owned(), (Instant::now(), ids.clone()));
        ids
    }
}

/// The numbers of a master's builders or workers by their names; `kind` is the list's name, `id` the number's.
fn listed(agent: &ureq::Agent, host: &str, kind: &str, id: &str) -> Result<BTreeMap<String, u64>, ureq::Error> {
    let text = agent.get(format!("https://{host}/api/v2/{kind}")).call()?.body_mut().read_to_string()?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let entries = answer.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.get(id)?.as_u64()?));
    Ok(entries.iter().filter_map(named).collect())
}
