//! Knows by which numbers buildbot masters address their builders and workers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schema::event::Links;
use schema::links::{self, MasterIds, UnknownMaster};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

/// A master is asked at most this often.
const FRESH: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(10);

/// The configured masters, and what those without configured ids said of themselves.
#[derive(Clone)]
pub(crate) struct Masters {
    configured: Arc<BTreeMap<String, Option<MasterIds>>>,
    asked: Arc<Mutex<HashMap<String, (Instant, MasterIds)>>>,
}

impl Masters {
    pub(crate) fn new(configured: BTreeMap<String, Option<MasterIds>>) -> Self {
        Self { configured: Arc::new(configured), asked: Arc::default() }
    }

    /// A run's links to its CI.
    pub(crate) async fn links(&self, details: &Map<String, Value>) -> Result<Links, UnknownMaster> {
        let ids = match links::master(details).and_then(|master| self.configured.get_key_value(master)) {
            None => None,
            Some((_, Some(ids))) => Some(ids.clone()),
            Some((master, None)) => Some(self.ask(master).await),
        };
        links::derive(details, ids.as_ref())
    }

    /// What the master says now, or said within the hour; one that does not answer has no ids for that long.
    async fn ask(&self, master: &str) -> MasterIds {
        let mut asked = self.asked.lock().await;
        if let Some((_, ids)) = asked.get(master).filter(|(at, _)| at.elapsed() < FRESH) {
            return ids.clone();
        }
        let host = master.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
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
        asked.insert(master.to_owned(), (Instant::now(), ids.clone()));
        ids
    }
}

fn listed(agent: &ureq::Agent, host: &str, kind: &str, id: &str) -> Result<BTreeMap<String, u64>, ureq::Error> {
    let text = agent.get(format!("https://{host}/api/v2/{kind}")).call()?.body_mut().read_to_string()?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let entries = answer.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.get(id)?.as_u64()?));
    Ok(entries.iter().filter_map(named).collect())
}
