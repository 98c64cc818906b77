//! Derives a run's links to its CI, with the numbers by which buildbot masters address their builders and workers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use outbound::{Outbound, OutboundError, SAME_ORIGIN_REDIRECTS, explain};
use schema::event::Links;
use schema::links::{self, MasterIds, UnknownMaster};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use web::blocking::blocking;

/// How long a master's ids are used before it is asked again.
const FRESH: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a master's ids are not known.
#[derive(Debug, thiserror::Error)]
enum MasterError {
    #[error("{0}")]
    Outbound(#[from] OutboundError),
    #[error("{}", explain(.0))]
    Request(#[from] ureq::Error),
    #[error("it answered with status {0}")]
    Status(u16),
}

/// The configured masters, and the ids that those without configured ids answered.
#[derive(Clone)]
pub(crate) struct BuildbotMasters {
    configured: Arc<BTreeMap<String, Option<MasterIds>>>,
    answered: Arc<Mutex<HashMap<String, (Instant, MasterIds)>>>,
    outbound: Outbound,
}

impl BuildbotMasters {
    pub(crate) fn new(configured: BTreeMap<String, Option<MasterIds>>, outbound: Outbound) -> Self {
        Self { configured: Arc::new(configured), answered: Arc::default(), outbound }
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
        let (host, outbound) = (master.to_owned(), self.outbound.clone());
        let answer = blocking(move || {
            let agent = outbound.agent(&format!("https://{host}"), TIMEOUT, SAME_ORIGIN_REDIRECTS)?;
            Ok::<_, MasterError>(MasterIds {
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
fn listed(agent: &ureq::Agent, host: &str, kind: &str, id: &str) -> Result<BTreeMap<String, u64>, MasterError> {
    let mut response = agent.get(format!("https://{host}/api/v2/{kind}")).call()?;
    if response.status() != 200 {
        return Err(MasterError::Status(response.status().as_u16()));
    }
    let text = outbound::text(&mut response)?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let entries = answer.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.get(id)?.as_u64()?));
    Ok(entries.iter().filter_map(named).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use outbound::OutboundOptions;
    use serde_json::json;
    use test_support::visits::Visits;

    /// Connections that a master on this machine sees when an upload names it.
    async fn connections(allow: &[&str]) -> usize {
        let visits = Visits::start();
        let master = format!("localhost:{}", visits.port);
        let allow = OutboundOptions { allow: allow.iter().map(|it| (*it).to_owned()).collect() };
        let masters = BuildbotMasters::new(BTreeMap::from([(master.clone(), None)]), allow.try_into().unwrap());
        let details = json!({"buildbot-master": master, "builder-name": "Mac"});
        let links = masters.links(details.as_object().unwrap()).await.unwrap();
        assert_eq!(links.queue, None);
        visits.count()
    }

    #[tokio::test]
    async fn an_upload_leads_nobody_to_a_private_master_that_is_not_listed() {
        assert_eq!(connections(&[]).await, 0);
        assert!(connections(&["localhost"]).await > 0);
    }
}
