//! Who is told, of what, and how.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use answers::search::Search;
use answers::triage;
use outbound::{Outbound, refusal};
use schema::clock::Clock;
use schema::links::on_the_web;
use serde::Deserialize;

/// A hook that takes longer is told again.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_STALE_HOURS: u64 = 14 * 24;

/// What is wrong with the configuration of hooks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct AlertOptionsError(String);

fn wrong(text: impl Into<String>) -> AlertOptionsError {
    AlertOptionsError(text.into())
}

/// Who is told what broke.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertOptions {
    /// Seconds between two looks.
    pub seconds: u64,
    /// Who is told. Of several query services only one should have any.
    pub hooks: Vec<Hook>,
}

impl Default for AlertOptions {
    fn default() -> Self {
        Self { seconds: 60, hooks: Vec::new() }
    }
}

/// An address that takes messages as JSON.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Its name, in messages and in what is remembered of them.
    pub name: String,
    /// Where it takes POST; whoever knows it may write there.
    pub url: String,
    /// Only these suites; all that ran lately if there are none.
    #[serde(default)]
    pub suites: Vec<String>,
    /// What it is told of, in the words of the search of triage; of new failures if absent, and a digest of everything.
    #[serde(default)]
    pub q: Option<String>,
    /// Only tests of this owner; `none` for those that nobody owns.
    #[serde(default)]
    pub owner: Option<String>,
    /// It gets one message now and then instead of one for each finding.
    #[serde(default)]
    pub digest: Option<DigestPace>,
    /// It is told, too, of configurations that did not run a suite for so many hours.
    #[serde(default)]
    pub stale_hours: Option<u64>,
}

/// How often a digest is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestPace {
    /// Once in each week, which begins on Monday in UTC.
    Weekly,
}

/// What a hook is told of that says nothing else.
const NEW_FAILURES: &str = "status:new";

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, url: _, suites, q, owner, digest, stale_hours } = self;
        let mut shown = formatter.debug_struct("Hook");
        shown.field("name", name).field("suites", suites).field("q", q).field("owner", owner);
        shown.field("digest", digest).field("stale_hours", stale_hours);
        shown.finish_non_exhaustive()
    }
}

impl Hook {
    /// What the hook is told of.
    pub(crate) fn search(&self, clock: &Clock) -> Result<Search, AlertOptionsError> {
        let usual = if self.digest.is_some() { "" } else { NEW_FAILURES };
        let asked = self.q.as_deref().unwrap_or(usual);
        let search = Search::parse(asked, &triage::FIELDS, clock.now());
        let search = search.map_err(|error| wrong(format!("the q of the hook '{}': {error}", self.name)))?;
        self.of_owner(search)
    }

    /// The same tests of its owner alone, if it has one.
    pub(crate) fn of_owner(&self, search: Search) -> Result<Search, AlertOptionsError> {
        let search = search.of_owner(self.owner.as_deref());
        search.map_err(|error| wrong(format!("the owner of the hook '{}': {error}", self.name)))
    }

    /// Posts a message; the error says what the hook did and nothing of its address, unless its host may not be asked.
    pub(crate) async fn tell(&self, outbound: &Outbound, message: String) -> Result<(), String> {
        let (url, outbound) = (self.url.clone(), outbound.clone());
        let told = tokio::task::spawn_blocking(move || {
            let agent = outbound.agent(&url, TIMEOUT, 0).map_err(|error| format!("could not be asked: {error}"))?;
            let posted = agent.post(&url).header("content-type", "application/json").send(message);
            match posted.map(|answer| answer.status().as_u16()) {
                Ok(200..=299) => Ok(()),
                Ok(status) => Err(format!("answered with status {status}")),
                Err(ureq::Error::Timeout(_)) => Err("took too long to answer".to_owned()),
                Err(error) => Err(match refusal(&error) {
                    Some(refused) => format!("was not asked: {refused}"),
                    None => "could not be reached".to_owned(),
                }),
            }
        });
        told.await.unwrap_or_else(|_| Err("could not be asked".to_owned()))
    }
}

/// Checks that every hook can be told something, so that a mistake shows at the start.
///
/// # Errors
/// What is wrong with which hook.
pub fn check_alerts(options: &AlertOptions) -> Result<(), AlertOptionsError> {
    let mut names = BTreeSet::new();
    for hook in &options.hooks {
        let name = &hook.name;
        if name.is_empty() {
            return Err(wrong("a hook has no name; what it was told of goes by that"));
        }
        if !names.insert(name) {
            return Err(wrong(format!("two hooks are called '{name}'; what they were told of goes by that")));
        }
        if on_the_web(&hook.url).is_none() {
            return Err(wrong(format!("the url of the hook '{name}' must begin with https:// or http://")));
        }
        if hook.stale_hours.is_some_and(|hours| !(1..=MAX_STALE_HOURS).contains(&hours)) {
            return Err(wrong(format!("stale_hours of the hook '{name}' is a number from 1 to {MAX_STALE_HOURS}")));
        }
        if hook.owner.as_deref().is_some_and(|owner| owner.trim().is_empty()) {
            return Err(wrong(format!("the owner of the hook '{name}' has no name")));
        }
        if hook.digest.is_some() && hook.stale_hours.is_some() {
            return Err(wrong(format!(
                "the hook '{name}' gets a digest, which does not tell of stale_hours; take one away"
            )));
        }
        hook.search(&Clock::system())?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use outbound::OutboundOptions;
    use test_support::visits::Visits;

    fn hook(name: &str, url: &str) -> Hook {
        Hook {
            name: name.into(),
            url: url.into(),
            suites: Vec::new(),
            q: None,
            owner: None,
            digest: None,
            stale_hours: None,
        }
    }

    fn refused(hooks: Vec<Hook>) -> String {
        check_alerts(&AlertOptions { hooks, ..AlertOptions::default() }).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_show_at_the_start() {
        let good = hook("a", "https://chat.example.org/secret");
        assert!(check_alerts(&AlertOptions { hooks: vec![good.clone()], ..AlertOptions::default() }).is_ok());
        assert!(refused(vec![good.clone(), good.clone()]).contains("two hooks are called 'a'"));
        assert!(refused(vec![hook("a", "chat.example.org")]).contains("must begin with"));
        assert!(refused(vec![Hook { stale_hours: Some(0), ..good.clone() }]).contains("stale_hours"));
        assert!(refused(vec![Hook { q: Some("stauts:new".into()), ..good.clone() }]).contains("did you mean"));
        assert!(refused(vec![Hook { owner: Some(" ".into()), ..good.clone() }]).contains("has no name"));
        assert!(refused(vec![Hook { owner: Some("/(/".into()), ..good.clone() }]).contains("no regular expression"));
        let digest = Hook { digest: Some(DigestPace::Weekly), stale_hours: Some(1), ..good };
        assert!(refused(vec![digest]).contains("gets a digest"));
    }

    #[tokio::test]
    async fn a_private_host_is_not_told_unless_it_is_listed() {
        let visits = Visits::start();
        let url = format!("http://localhost:{}/secret", visits.port);
        let hook = hook("a", &url);
        let error = hook.tell(&Outbound::default(), "{}".to_owned()).await.unwrap_err();
        assert!(error.starts_with("was not asked: the host localhost is private (loopback)"), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(visits.count(), 0);
        let listed = OutboundOptions { allow: vec!["localhost".to_owned()] }.try_into().unwrap();
        assert_eq!(hook.tell(&listed, "{}".to_owned()).await, Err("could not be reached".to_owned()));
        assert!(visits.count() > 0);
    }

    #[test]
    fn nothing_shows_an_address() {
        assert!(!format!("{:?}", hook("a", "https://chat.example.org/secret")).contains("secret"));
    }
}
