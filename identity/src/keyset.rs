//! Keeps the keys of one issuer.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, OwnedMutexGuard};
use web::blocking::blocking;

use crate::error::IdentityError;
use crate::fetch::{Fetched, Source};
use crate::jwks::{Key, Keys};

/// How long keys are kept without asking again, seconds: what the issuer says, within these, or the default.
const FRESH: std::ops::RangeInclusive<i64> = 60..=3600;
const FRESH_BY_DEFAULT: i64 = 600;
/// How long known keys go on to count after that, seconds, while the issuer is away.
const KEPT_WHILE_AWAY: i64 = 3600;
/// How long after an answer the issuer is not asked for a key that was not there, seconds: anybody can name one.
const UNKNOWN_EVERY: i64 = 60;
/// How long after a failure the issuer is not asked again, seconds.
const FAILED_EVERY: i64 = 10;

/// The keys of one issuer, asked for when they are needed.
#[derive(Debug)]
pub(crate) struct Keyset {
    issuer: String,
    source: Source,
    state: RwLock<State>,
    /// Whoever holds it asks the issuer; nobody else does meanwhile.
    asking: Arc<Mutex<()>>,
}

/// What is known, with times in seconds since 1970.
#[derive(Debug, Default)]
struct State {
    keys: Arc<Keys>,
    /// Until when the keys count without asking again.
    fresh_until: i64,
    /// When the issuer was last asked, and whether it answered.
    asked: Option<(i64, bool)>,
}

impl Keyset {
    pub(crate) fn new(issuer: &str, source: Source) -> Self {
        Self { issuer: issuer.to_owned(), source, state: RwLock::default(), asking: Arc::default() }
    }

    /// The key of an id at `now`. A known key that is fresh waits for nothing; one that is not waits only where it is the first
    /// to notice.
    ///
    /// # Errors
    /// The issuer has no such key, or cannot say.
    pub(crate) async fn key(self: &Arc<Self>, id: &str, now: i64) -> Result<Key, IdentityError> {
        let known = self.known(id, now);
        if self.must_ask(id, now) {
            let asking = Arc::clone(&self.asking);
            let turn = if known.is_some() { asking.try_lock_owned().ok() } else { Some(asking.lock_owned().await) };
            // Who had the turn before may have asked.
            if let Some(turn) = turn.filter(|_| self.must_ask(id, now)) {
                self.ask(turn, now).await?;
            }
        }
        self.known(id, now).ok_or_else(|| self.unknown())
    }

    /// The key of an id, if it still counts.
    fn known(&self, id: &str, now: i64) -> Option<Key> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let counts = now < state.fresh_until.saturating_add(KEPT_WHILE_AWAY);
        state.keys.get(id).filter(|_| counts).cloned()
    }

    fn must_ask(&self, id: &str, now: i64) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = now < state.fresh_until;
        let passed = |since: i64, seconds: i64| now < since || now - since >= seconds;
        match state.asked {
            None => true,
            Some(_) if is_fresh && state.keys.contains_key(id) => false,
            Some((at, false)) => passed(at, FAILED_EVERY),
            Some((at, true)) => !is_fresh || passed(at, UNKNOWN_EVERY),
        }
    }

    /// Asks the issuer, on a thread that goes on when the caller goes away: who disconnects early keeps nobody from new keys.
    async fn ask(self: &Arc<Self>, turn: OwnedMutexGuard<()>, now: i64) -> Result<(), IdentityError> {
        let keyset = Arc::clone(self);
        let work = move || {
            let _turn = turn;
            let answer = keyset.source.fetch();
            if let Err(error) = &answer {
                tracing::warn!(issuer = keyset.issuer, %error, "the keys of an issuer cannot be read; those that are known count for an hour");
            }
            keyset.take(answer.ok(), now);
        };
        blocking(work).await.map_err(|_| IdentityError::KeysAway(self.issuer.clone()))
    }

    fn take(&self, answer: Option<Fetched>, now: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.asked = Some((now, answer.is_some()));
        if let Some(Fetched { keys, max_age }) = answer {
            state.keys = Arc::new(keys);
            let fresh = max_age.unwrap_or(FRESH_BY_DEFAULT).clamp(*FRESH.start(), *FRESH.end());
            state.fresh_until = now.saturating_add(fresh);
        }
    }

    /// Why a key is not known: the issuer answered without it, or did not answer.
    fn unknown(&self) -> IdentityError {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let error = match state.asked {
            Some((_, true)) => IdentityError::UnknownKey,
            _ => IdentityError::KeysAway,
        };
        error(self.issuer.clone())
    }
}
