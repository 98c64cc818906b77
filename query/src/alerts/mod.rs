//! Tells other services what broke: a message to each configured hook for tests that its question begins to find, and for
//! configurations that stopped to run.
//!
//! Data flow: the watermark moved (or time passed) → [`find`] asks triage the hook's question and the runs for what is
//! late → what the table `alerts` does not have yet → one message → rows in that table. A hook that does not answer with
//! success is told again in the next round, so that a message comes at least once; its findings have ids.

mod find;
mod hook;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::configurations::now;
use crate::error::ApiError;
use crate::routes::Service;
use find::Finding;
pub use hook::{AlertOptions, Hook, check_alerts};

/// What stopped to run is no news of the watermark: it is looked for at least this often.
const LATEST: Duration = Duration::from_secs(300);
/// Findings that a message lists; more are counted.
const LISTED: usize = 50;

/// That a hook was told of something.
#[derive(Debug, Row, Serialize, Deserialize)]
struct AlertRow {
    hook: String,
    subject: String,
    told_at: u32,
}

/// Looks again and again until the service stops.
pub(crate) async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let options = &service.options.alerts;
    let pace = Duration::from_secs(options.seconds.max(1));
    // When everybody had been told, and where the views were before that was found out.
    let mut done: Option<(Instant, u64)> = None;
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(pace) => {}
        }
        let Ok(watermark) = service.watermark.now().await else { continue };
        if done.is_some_and(|(when, at)| at == watermark && when.elapsed() < LATEST) {
            continue;
        }
        let mut all_told = true;
        for hook in &options.hooks {
            if let Err(error) = look(&service, hook).await {
                all_told = false;
                metrics::counter!("resultsdb_alert_failures_total", "hook" => hook.name.clone()).increment(1);
                tracing::warn!(%error, hook = hook.name, "a hook could not be told; it is told in the next round");
            }
        }
        done = all_told.then(|| (Instant::now(), watermark));
    }
}

/// Why a hook was not told.
#[derive(Debug, thiserror::Error)]
enum AlertError {
    #[error("{0}")]
    Question(#[from] ApiError),
    #[error("the store: {0}")]
    Store(#[from] clickhouse::error::Error),
    /// Addresses of hooks are secrets: no text has them.
    #[error("the hook {0}")]
    Hook(String),
}

async fn look(service: &Service, hook: &Hook) -> Result<(), AlertError> {
    let found = find::findings(service, hook).await?;
    let news = untold(service, hook, found).await?;
    if news.is_empty() {
        return Ok(());
    }
    let message = message(service, hook, &news);
    hook.tell(message).await.map_err(AlertError::Hook)?;
    let (told, name) = (news.len() as u64, hook.name.clone());
    let told_at = now() as u32;
    let mut insert = service.client.insert::<AlertRow>("alerts").await?;
    for Finding { id, .. } in news {
        insert.write(&AlertRow { hook: hook.name.clone(), subject: id, told_at }).await?;
    }
    insert.end().await?;
    metrics::counter!("resultsdb_alerts_total", "hook" => name).increment(told);
    Ok(())
}

async fn untold(service: &Service, hook: &Hook, mut found: Vec<Finding>) -> Result<Vec<Finding>, AlertError> {
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
    let query = service.client.query("SELECT subject FROM alerts WHERE hook = ? AND subject IN ?");
    let told: BTreeSet<String> = query.bind(&hook.name).bind(ids).fetch_all().await?.into_iter().collect();
    found.retain(|finding| !told.contains(&finding.id));
    Ok(found)
}

/// `text` is what chat services show; the rest is for programs.
fn message(service: &Service, hook: &Hook, news: &[Finding]) -> String {
    let listed = &news[..news.len().min(LISTED)];
    let more = news.len() - listed.len();
    let mut lines = vec![format!("{}: {}", service.options.title, hook.name)];
    lines.extend(listed.iter().map(|finding| format!("{} {}", finding.text, finding.link)));
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let findings: Vec<_> = listed.iter().map(Finding::shown).collect();
    json!({ "text": lines.join("\n"), "hook": hook.name, "findings": findings, "more": more }).to_string()
}
