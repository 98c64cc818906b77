//! The door: who asks, by what they send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use schema::clock::now_signed;
use tokio::sync::OwnedSemaphorePermit;
use web::same_site::is_from_own_page;

use crate::address;
use crate::bearer::{Bearer, BearerCheck};
use crate::caller::{Caller, Who};
use crate::denied::Denied;
use crate::keyring::{KeyRecord, Keyring};
use crate::limits::{Gauge, Load};
use crate::options::{AccessOptions, OptionsError, Reading};
use crate::people::{Person, ProxyHeaders, SignIn};
use crate::proxy::Proxy;
use crate::scope::{Scope, Scopes};
use crate::secret::Secret;
use crate::session::{self, SessionSecret, Subject};

/// The cookie with what a browser brings back from the provider, and how long somebody may take there, seconds.
const DEPARTURE: &str = "resultsdb_sign_in";
const AWAY: u64 = 900;

/// Knows who may come in; a clone is the same door.
#[derive(Debug, Clone, Default)]
pub struct Door(Option<Arc<Guarded>>);

/// What a door knows that is not open.
#[derive(Debug)]
struct Guarded {
    reading: Reading,
    sessions: SessionSecret,
    /// Whether browsers send the cookie over TLS alone.
    is_secure: bool,
    configured: Keyring,
    gauge: Gauge,
    proxies: Vec<Proxy>,
    /// Reads what proxies say of people; none where that does not count.
    proxy_headers: Option<ProxyHeaders>,
    /// Lets people sign in elsewhere; none where they cannot.
    sign_in: Option<Arc<dyn SignIn>>,
    /// Knows bearers that are no keys; none where only keys count.
    tokens: Option<Arc<dyn BearerCheck>>,
    /// Keys that were made while servers ran; none before they were read for the first time.
    stored: RwLock<Option<Arc<Keyring>>>,
    /// Keys that were used since that was written last, and when, seconds since 1970.
    used: Mutex<HashMap<String, i64>>,
}

/// What a door needs beside its part of the configuration.
#[derive(Debug)]
pub struct Guards {
    /// What sessions are signed with.
    pub sessions: SessionSecret,
    /// Whether people reach the pages over TLS.
    pub is_secure: bool,
    /// Knows bearers that are no keys; none where only keys count.
    pub tokens: Option<Arc<dyn BearerCheck>>,
    /// Lets people sign in elsewhere; none where they cannot.
    pub sign_in: Option<Arc<dyn SignIn>>,
}

impl Door {
    /// A door through which anybody may do anything.
    pub fn open() -> Self {
        Self(None)
    }

    /// A door that asks who comes.
    ///
    /// # Errors
    /// A key of the configuration makes no sense, or what it says of people.
    pub fn guarded(options: &AccessOptions, guards: Guards) -> Result<Self, OptionsError> {
        let Guards { sessions, is_secure, tokens, sign_in } = guards;
        Ok(Self(Some(Arc::new(Guarded {
            reading: options.reading,
            sessions,
            is_secure,
            configured: Keyring::new(options.records()?),
            gauge: Gauge::new(options.limits.clone()),
            proxies: options.proxies.clone(),
            proxy_headers: options.proxy_headers()?,
            sign_in,
            tokens,
            stored: RwLock::default(),
            used: Mutex::default(),
        }))))
    }

    /// Whether anybody may do anything.
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whether reading needs a key.
    pub fn is_closed(&self) -> bool {
        self.0.as_ref().is_some_and(|guarded| guarded.reading == Reading::Closed)
    }

    /// Who sends a request, which is counted among theirs: by their key, or by their address.
    ///
    /// # Errors
    /// They send a key that does not count, another site's page sends it for them, or they sent too many.
    pub async fn caller(&self, request: &Parts) -> Result<Caller, Denied> {
        let Some(guarded) = &self.0 else { return Ok(Caller::anyone()) };
        let found = match bearer(&request.headers) {
            None => guarded.of_browser(request),
            Some(Err(denied)) => Err(denied),
            Some(Ok(text)) => guarded.bearer(&text).await,
        };
        let from = || address::of(request, &guarded.proxies).map_or_else(String::new, |address| address.to_string());
        let caller = found
            .map(|caller| caller.counted_from(from))
            // Whoever tries keys is counted, too.
            .or_else(|denied| guarded.gauge.count(&from()).and(Err(denied)))?;
        guarded.gauge.count(caller.counted_as())?;
        Ok(caller)
    }

    /// A place among the requests of a caller that are worked on; none is needed where nobody is asked.
    ///
    /// # Errors
    /// Their earlier requests took too long.
    pub(crate) async fn place(&self, caller: &Caller, load: Load) -> Result<Option<OwnedSemaphorePermit>, Denied> {
        match &self.0 {
            None => Ok(None),
            Some(guarded) => guarded.gauge.place(caller.counted_as(), load).await.map(Some),
        }
    }

    /// The header `Set-Cookie` with which a browser stays the holder of a key.
    ///
    /// # Errors
    /// The key does not count.
    pub fn sign_in(&self, key: &str) -> Result<Option<HeaderValue>, Denied> {
        let Some(guarded) = &self.0 else { return Ok(None) };
        let record = guarded.record(key)?;
        Ok(guarded.session(&Subject::Key(record.id.clone())))
    }

    /// Where people sign in, if not with keys alone.
    pub fn provider(&self) -> Option<&Arc<dyn SignIn>> {
        self.0.as_ref()?.sign_in.as_ref()
    }

    /// The header `Set-Cookie` with which a browser keeps what it has to bring back from the provider.
    pub fn depart(&self, kept: &str) -> Option<HeaderValue> {
        self.0.as_ref()?.cookie(DEPARTURE, kept, AWAY)
    }

    /// What a browser that comes back from the provider kept.
    pub fn kept(headers: &HeaderMap) -> Option<&str> {
        session::cookie(headers, DEPARTURE)
    }

    /// The headers `Set-Cookie` with which a browser stays the one of somebody who signed in, and forgets what it kept for that.
    pub fn welcome(&self, person: Person) -> Vec<HeaderValue> {
        let Some(guarded) = &self.0 else { return Vec::new() };
        [guarded.session(&Subject::Person(person)), guarded.cookie(DEPARTURE, "", 0)].into_iter().flatten().collect()
    }

    /// The header `Set-Cookie` with which a browser forgets who it is.
    pub fn sign_out(&self) -> Option<HeaderValue> {
        self.0.as_ref()?.cookie(session::COOKIE, "", 0)
    }

    /// A part of an address by which whoever has it reads one archive for a day: browsers send a session to no other origin.
    /// None where anybody reads.
    pub fn ticket(&self, archive: &str) -> Option<String> {
        let guarded = self.0.as_ref().filter(|_| self.is_closed())?;
        let until = now_signed().saturating_add_unsigned(session::TICKET_LASTS.as_secs());
        Some(guarded.sessions.ticket(archive, until))
    }

    /// The archive that a ticket is for, if it counts.
    pub fn archive_of<'t>(&self, ticket: &'t str) -> Option<&'t str> {
        self.0.as_ref()?.sessions.archive_of(ticket, now_signed())
    }

    /// Whoever holds a key that came in an upload, as the reference's uploaders send theirs.
    ///
    /// # Errors
    /// The key does not count.
    pub fn holder(&self, key: &str) -> Result<Caller, Denied> {
        match &self.0 {
            None => Ok(Caller::anyone()),
            Some(guarded) => guarded.holder(key),
        }
    }

    /// Puts the keys in place that are stored.
    pub fn replace_stored(&self, keys: Vec<KeyRecord>) {
        if let Some(guarded) = &self.0 {
            let keys = Some(Arc::new(Keyring::new(keys)));
            *guarded.stored.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
    }

    /// The stored key of an id.
    pub fn stored_key(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.0.as_ref()?.stored()?.by_id(id).cloned()
    }

    /// The keys of the configuration.
    pub fn configured_keys(&self) -> Vec<Arc<KeyRecord>> {
        self.0.iter().flat_map(|guarded| guarded.configured.iter().cloned()).collect()
    }

    /// Keys that were used since this was asked last, and when, seconds since 1970.
    pub(crate) fn take_used(&self) -> HashMap<String, i64> {
        let Some(guarded) = &self.0 else { return HashMap::new() };
        std::mem::take(&mut *guarded.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Guarded {
    fn nobody(&self) -> Caller {
        let scopes = match self.reading {
            Reading::Open => Scopes::new(vec![Scope::Read]),
            Reading::Closed => Scopes::default(),
        };
        Caller::new(Who::Nobody, Arc::new(scopes))
    }

    fn stored(&self) -> Option<Arc<Keyring>> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whoever a proxy says it is, or the session's cookie.
    fn of_browser(&self, request: &Parts) -> Result<Caller, Denied> {
        let headers = &request.headers;
        let proxy = self.proxy_headers.as_ref().filter(|_| address::is_of(request, &self.proxies));
        let caller = match proxy.map_or(Ok(None), |proxy| proxy.person(headers))? {
            Some(person) => Some(Caller::of_person(person)),
            None => self.of_session(headers),
        };
        let Some(caller) = caller else { return Ok(self.nobody()) };
        // A browser sends its cookies, and what lets it through a proxy, whoever's page asks for it.
        if !request.method.is_safe() && !is_from_own_page(headers) {
            return Err(Denied::CrossSite);
        }
        Ok(caller)
    }

    /// Whom the session's cookie names. A cookie that is over, or whose key is, is as good as none: browsers keep it.
    fn of_session(&self, headers: &HeaderMap) -> Option<Caller> {
        let now = now_signed();
        match self.sessions.verify(session::cookie(headers, session::COOKIE)?, now)? {
            Subject::Person(person) => Some(Caller::of_person(person)),
            Subject::Key(id) => {
                let record = self.by_id(&id).filter(|record| record.check(now).is_ok())?;
                Some(self.caller_of(&record, now))
            }
        }
    }

    fn by_id(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.configured.by_id(id).cloned().or_else(|| self.stored()?.by_id(id).cloned())
    }

    /// The cookie of a session that begins now.
    fn session(&self, subject: &Subject) -> Option<HeaderValue> {
        let lasts = session::LASTS.as_secs();
        let value = self.sessions.sign(subject, now_signed().saturating_add_unsigned(lasts));
        self.cookie(session::COOKIE, &value, lasts)
    }

    fn cookie(&self, name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// Whoever sends this in `Authorization`: a text that begins as no key may be a token.
    async fn bearer(&self, text: &str) -> Result<Caller, Denied> {
        let Some(tokens) = self.tokens.as_ref().filter(|_| !Secret::is_prefixed(text)) else {
            return self.holder(text);
        };
        let Bearer { actor, scopes, run } = tokens.check(text, now_signed()).await?;
        Ok(Caller::new(Who::Run { actor, run }, Arc::new(scopes)))
    }

    fn holder(&self, key: &str) -> Result<Caller, Denied> {
        let record = self.record(key)?;
        Ok(self.caller_of(&record, now_signed()))
    }

    fn caller_of(&self, record: &KeyRecord, now: i64) -> Caller {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(record.id.clone(), now);
        let who = Who::Key { id: record.id.clone(), name: record.name.clone() };
        Caller::new(who, Arc::clone(&record.scopes))
    }

    /// The key of a text, if it counts now.
    fn record(&self, key: &str) -> Result<Arc<KeyRecord>, Denied> {
        let secret = Secret::parse(key.trim()).map_err(|error| Denied::BadKey(error.to_string()))?;
        let record = match self.configured.find(&secret) {
            Some(record) => Arc::clone(record),
            None => {
                let stored = self.stored().ok_or(Denied::Unready)?;
                let unknown = || Denied::BadKey("this server does not know it".to_owned());
                Arc::clone(stored.find(&secret).ok_or_else(unknown)?)
            }
        };
        record.check(now_signed())?;
        Ok(record)
    }
}

/// The bearer's key of `Authorization` (RFC 6750); none if there is no such header.
fn bearer(headers: &HeaderMap) -> Option<Result<String, Denied>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let other = || Denied::BadKey("'Authorization' must be 'Bearer', a space and the key".to_owned());
    if values.next().is_some() {
        return Some(Err(Denied::BadKey("there are several 'Authorization' headers".to_owned())));
    }
    let read = value.to_str().ok().and_then(|text| text.split_once(' '));
    Some(match read {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim().to_owned()),
        _ => Err(other()),
    })
}
