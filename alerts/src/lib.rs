//! Tells other services what broke: a message to each configured hook for tests that its question begins to find, and for
//! configurations that stopped to run.
//!
//! Data flow: the watermark moved (or time passed) → [`findings`] asks triage the hook's question and which configurations
//! are silent → what the table `alerts` does not have yet → one message ([`hook`]) → rows in that table. A hook that does
//! not answer with success is told again in the next round, so that a message comes at least once; its findings have ids.
//!
//! Of several query services, the one that has the right to tell ([`Lease`]) does.
//!
//! A hook may get a message a week instead ([`digest`]), by the same rules.
//!
//! What a hook was told is remembered in the table `alerts` and in no event: a rebuild makes views, and leaves that table
//! as it is. If the table itself is lost, hooks are told once more of what they find then, which is harmless.

mod digest;
mod findings;
mod hook;

use std::time::Duration;

use answers::{AnswerError, Store, told};
use findings::Finding;
pub use hook::{AlertOptions, AlertOptionsError, DigestPace, Hook, check_alerts};
use outbound::Outbound;
use schema::lease::Lease;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// What stopped to run is no news of the watermark: it is looked for at least this often.
const LATEST: Duration = Duration::from_secs(300);
/// Findings that a message lists; more are counted.
const LISTED: usize = 50;

/// Who tells: what messages say of this service, and whom it may ask.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Title of the pages.
    pub title: String,
    /// Where users find the pages, such as `https://results.example.org`; without it links are paths.
    pub address: Option<String>,
    /// Hosts that may be told, beside public ones.
    pub outbound: Outbound,
}

/// Why a hook was not told.
#[derive(Debug, thiserror::Error)]
enum AlertError {
    #[error("{0}")]
    Answer(#[from] AnswerError),
    #[error("{0}")]
    Options(#[from] AlertOptionsError),
    /// Addresses of hooks are secrets: no text has more of them than the name of a host that is not asked.
    #[error("the hook {0}")]
    Hook(String),
}

/// Looks again and again until `stop` turns true; where others may look as well, only while `right` is held.
pub async fn run(
    store: Store,
    sender: Sender,
    options: AlertOptions,
    right: Option<Lease>,
    mut stop: watch::Receiver<bool>,
) {
    if !options.hooks.is_empty() {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = tell(&store, &sender, &options, right.as_ref()) => {}
        }
    }
    if let Some(right) = right {
        right.release().await;
    }
}

async fn tell(store: &Store, sender: &Sender, options: &AlertOptions, right: Option<&Lease>) {
    let is_ours = || right.is_none_or(Lease::is_held);
    let pace = Duration::from_secs(options.seconds.max(1));
    // When everybody had been told, and where the views were before that was found out.
    let mut done: Option<(Instant, u64)> = None;
    loop {
        sleep(pace).await;
        if !is_ours() {
            // Whoever has the right next does not know what another one told last.
            done = None;
            continue;
        }
        let Ok(watermark) = store.watermark.now().await else { continue };
        if done.is_some_and(|(when, at)| at == watermark && when.elapsed() < LATEST) {
            continue;
        }
        let mut all_told = true;
        for hook in &options.hooks {
            if let Err(error) = look(store, sender, hook, &is_ours).await {
                all_told = false;
                metrics::counter!("resultsdb_alert_failures_total", "hook" => hook.name.clone()).increment(1);
                tracing::warn!(%error, hook = hook.name, "a hook could not be told; it is told in the next round");
            }
        }
        done = all_told.then(|| (Instant::now(), watermark));
    }
}

async fn look(store: &Store, sender: &Sender, hook: &Hook, is_ours: &impl Fn() -> bool) -> Result<(), AlertError> {
    if hook.digest == Some(DigestPace::Weekly) {
        return tell_digest(store, sender, hook, is_ours).await;
    }
    let mut news = findings::find(store, sender, hook).await?;
    let ids: Vec<&str> = news.iter().map(|finding| finding.id.as_str()).collect();
    let known = told::known(store, &hook.name, &ids).await?;
    news.retain(|finding| !known.contains(&finding.id));
    if news.is_empty() || !is_ours() {
        return Ok(());
    }
    hook.tell(&sender.outbound, message(sender, hook, &news)).await.map_err(AlertError::Hook)?;
    let ids: Vec<String> = news.into_iter().map(|finding| finding.id).collect();
    let count = ids.len() as u64;
    told::remember(store, &hook.name, ids).await?;
    metrics::counter!("resultsdb_alerts_total", "hook" => hook.name.clone()).increment(count);
    Ok(())
}

/// Tells a hook of a week, once in each.
async fn tell_digest(
    store: &Store,
    sender: &Sender,
    hook: &Hook,
    is_ours: &impl Fn() -> bool,
) -> Result<(), AlertError> {
    let now = store.clock.now();
    let id = digest::id(hook, now);
    if !told::known(store, &hook.name, &[&id]).await?.is_empty() {
        return Ok(());
    }
    let digest = digest::find(store, sender, hook).await?;
    if !is_ours() {
        return Ok(());
    }
    hook.tell(&sender.outbound, digest.message(sender, hook, now)).await.map_err(AlertError::Hook)?;
    told::remember(store, &hook.name, vec![id]).await?;
    metrics::counter!("resultsdb_alerts_total", "hook" => hook.name.clone()).increment(1);
    Ok(())
}

/// A message: `text` is what chat services show; the rest is for programs.
fn message(sender: &Sender, hook: &Hook, news: &[Finding]) -> String {
    let listed = &news[..news.len().min(LISTED)];
    let more = news.len() - listed.len();
    let mut lines = vec![format!("{}: {}", sender.title, hook.name)];
    lines.extend(listed.iter().map(|finding| format!("{} {}", finding.text, finding.link)));
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let findings: Vec<_> = listed.iter().map(Finding::to_json).collect();
    json!({ "text": lines.join("\n"), "hook": hook.name, "findings": findings, "more": more }).to_string()
}
