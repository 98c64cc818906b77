//! Signs people in at an identity provider: the code flow of OpenID Connect (Core 1.0, section 3.1) with PKCE (RFC 7636).
//!
//! The browser's way: [`begin`](access::SignIn::begin) sends it to the provider, and has it keep a state, a nonce and a
//! verifier → it comes back with the state and a code → [`finish`](access::SignIn::finish) compares the state, exchanges the
//! code for a token (`exchange`), and checks that as any other ([`TokenCheck`]), then its nonce → the claims give a name and a
//! role. Nothing is kept on the server, so that any of its services can finish what another began.

mod exchange;

use std::sync::Arc;
use std::time::Duration;

use access::{Denied, Departure, PeopleOptions, Person, ProviderOptions, Roles, SignIn};
use async_trait::async_trait;
use moka::future::Cache;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use outbound::Outbound;
use serde_json::{Map, Value};
use web::blocking::blocking;

use crate::ci::shortened;
use crate::error::{IdentityError, IssuerError};
use crate::fetch::{FetchError, Source, origin};
use crate::keyset::Keyset;
use crate::token::Unverified;
use crate::token_check::TokenCheck;
use exchange::TokenEndpoint;

/// How long it is known where a provider signs people in, without asking again.
const ENDPOINTS_FRESH: Duration = Duration::from_secs(3600);
/// Where a provider sends people back to, below the server's address.
pub(crate) const BACK: &str = "/sign-in/back";

/// What is wrong with `[access.people]`.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// An address, the name of this server there, or the algorithms.
    #[error("access.people.provider: {0}")]
    Issuer(#[from] IssuerError),
    /// This server has no name there, so that tokens for any service would count.
    #[error("access.people.provider needs a client_id: the name that the provider gives this server")]
    NoClientId,
    /// Who has which role.
    #[error(transparent)]
    Roles(#[from] access::PeopleError),
    /// Nobody knows where people come back to.
    #[error(
        "access.people.provider needs the `address` at which people find this server: the provider sends them back there"
    )]
    NoAddress,
    /// The address is none.
    #[error("access.people.provider: the `address` '{0}' is none that a provider can send people back to")]
    Address(String),
}

/// An identity provider.
#[derive(Debug)]
pub struct Provider {
    options: ProviderOptions,
    host: String,
    back: RedirectUrl,
    secret: Option<oauth2::ClientSecret>,
    roles: Roles,
    tokens: TokenCheck,
    outbound: Outbound,
    source: Arc<Source>,
    endpoints: Cache<(), Arc<Endpoints>>,
}

/// Where a provider is spoken to.
#[derive(Debug)]
struct Endpoints {
    authorization: AuthUrl,
    token: TokenEndpoint,
}

impl Provider {
    /// Reads the configuration; none where people do not sign in elsewhere. `address` is where people find this server, `secret`
    /// the contents of the file that the options name. Nobody is asked yet.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(
        people: &PeopleOptions,
        secret: Option<String>,
        address: Option<&str>,
        outbound: &Outbound,
    ) -> Result<Option<Self>, ProviderError> {
        let Some(options) = people.provider.clone() else { return Ok(None) };
        let issuer = &options.issuer;
        let address = address.ok_or(ProviderError::NoAddress)?;
        if options.client_id.is_empty() {
            return Err(ProviderError::NoClientId);
        }
        let back = RedirectUrl::new(format!("{}{BACK}", address.trim_end_matches('/')))
            .map_err(|_| ProviderError::Address(address.to_owned()))?;
        for url in [&options.authorization_endpoint, &options.token_endpoint].into_iter().flatten() {
            origin(url).ok_or_else(|| IssuerError::Address(url.clone()))?;
        }
        let source = Arc::new(Source::new(issuer, None, outbound)?);
        let keys = Keyset::new(issuer, Source::new(issuer, options.jwks.as_deref(), outbound)?);
        let tokens = TokenCheck::new(issuer, &options.client_id, &options.algorithms, Arc::new(keys))?;
        let host = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest);
        Ok(Some(Self {
            host: host.split('/').next().unwrap_or(host).to_owned(),
            back,
            secret: secret.map(|secret| oauth2::ClientSecret::new(secret.trim().to_owned())),
            roles: Roles::new(&people.roles)?,
            tokens,
            outbound: outbound.clone(),
            source,
            endpoints: Cache::builder().time_to_live(ENDPOINTS_FRESH).build(),
            options,
        }))
    }

    /// Where the provider is spoken to; it is asked for what the configuration leaves open.
    async fn endpoints(&self) -> Result<Arc<Endpoints>, Denied> {
        let asked = async {
            let (options, source, outbound) = (self.options.clone(), Arc::clone(&self.source), self.outbound.clone());
            let has_secret = self.secret.is_some();
            let asked = blocking(move || endpoints(&options, &source, &outbound, has_secret)).await;
            asked.unwrap_or_else(|error| Err(error.to_string())).map(Arc::new)
        };
        self.endpoints.try_get_with((), asked).await.map_err(|cause| {
            tracing::warn!(provider = self.host, %cause, "nobody can be signed in");
            Denied::SignInAway(format!("{} does not say where; the server's log has the cause", self.host))
        })
    }

    /// The claims of the token that a code stands for.
    async fn claims(&self, code: &str, verifier: &str, nonce: &str, now: i64) -> Result<Map<String, Value>, Denied> {
        let endpoints = self.endpoints().await?;
        let request = exchange::Exchange {
            client: ClientId::new(self.options.client_id.clone()),
            secret: self.secret.clone(),
            back: self.back.clone(),
            code: oauth2::AuthorizationCode::new(code.to_owned()),
            verifier: PkceCodeVerifier::new(verifier.to_owned()),
        };
        let exchanged = blocking(move || endpoints.token.exchange(request)).await;
        let token = exchanged.unwrap_or_else(|error| Err(exchange::ExchangeError::Away(error.to_string())))?;
        let unverified = Unverified::read(&token).map_err(failed)?;
        if unverified.issuer != self.options.issuer {
            return Err(failed(IdentityError::UnknownIssuer(shortened(&unverified.issuer))));
        }
        let claims = self.tokens.claims(&unverified, now).await.map_err(failed)?.all().clone();
        // A token that was made for another sign-in, whoever slipped its code in.
        if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err(Denied::SignInFailed("the provider's token is of another sign-in; sign in again".to_owned()));
        }
        if claims.get("azp").is_some_and(|party| party.as_str() != Some(&self.options.client_id)) {
            return Err(Denied::SignInFailed("the provider's token was issued to another service".to_owned()));
        }
        Ok(claims)
    }
}

#[async_trait]
impl SignIn for Provider {
    fn host(&self) -> &str {
        &self.host
    }

    async fn begin(&self) -> Result<Departure, Denied> {
        let endpoints = self.endpoints().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random();
        let scopes = self.options.scopes.iter().map(|scope| Scope::new(scope.clone()));
        let (url, state) = BasicClient::new(ClientId::new(self.options.client_id.clone()))
            .set_auth_uri(endpoints.authorization.clone())
            .set_redirect_uri(self.back.clone())
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.secret())
            .url();
        let kept = [state.secret(), nonce.secret(), verifier.secret()].map(String::as_str).join(".");
        Ok(Departure { url: url.into(), kept })
    }

    async fn finish(&self, kept: &str, state: &str, code: &str, now: i64) -> Result<Person, Denied> {
        let parts: Vec<&str> = kept.split('.').collect();
        let &[expected, nonce, verifier] = parts.as_slice() else { return Err(begun_elsewhere()) };
        if expected.is_empty() || expected != state {
            return Err(begun_elsewhere());
        }
        let claims = self.claims(code, verifier, nonce, now).await?;
        let text =
            |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let name = text(&self.options.name_claim).or_else(|| text("sub"));
        let no_name = || Denied::SignInFailed("the provider's token does not say who it is of".to_owned());
        let name = name.ok_or_else(no_name)?;
        let role = self.roles.of(&claims).ok_or_else(|| Denied::NoRole(shortened(name)))?;
        Person::new(name, role).ok_or_else(no_name)
    }
}

fn begun_elsewhere() -> Denied {
    Denied::SignInFailed("it was begun in another browser, or too long ago; sign in again".to_owned())
}

fn failed(error: IdentityError) -> Denied {
    if error.is_temporary() {
        Denied::SignInAway(error.to_string())
    } else {
        Denied::SignInFailed(format!("the provider's token does not count: {error}"))
    }
}

/// Finds out where a provider is spoken to. It blocks.
fn endpoints(
    options: &ProviderOptions,
    source: &Source,
    outbound: &Outbound,
    has_secret: bool,
) -> Result<Endpoints, String> {
    let told = |error: FetchError| error.to_string();
    let discovery = match (&options.authorization_endpoint, &options.token_endpoint) {
        (Some(_), Some(_)) => None,
        _ => Some(source.discovery().map_err(told)?),
    };
    let of = |member: &str| format!("the issuer does not say its {member}");
    let named = |configured: &Option<String>, found: Option<&String>, member| {
        configured.clone().or_else(|| found.cloned()).ok_or_else(|| of(member))
    };
    let found = discovery.as_ref();
    let authorization = named(
        &options.authorization_endpoint,
        found.and_then(|found| found.authorization_endpoint.as_ref()),
        "authorization_endpoint",
    )?;
    let token =
        named(&options.token_endpoint, found.and_then(|found| found.token_endpoint.as_ref()), "token_endpoint")?;
    let token =
        if options.token_endpoint.is_some() { token } else { source.own(token, "token_endpoint").map_err(told)? };
    // People type their passwords there.
    origin(&authorization).ok_or_else(|| format!("'{}' is no https address", shortened(&authorization)))?;
    let methods = found.and_then(|found| found.token_endpoint_auth_methods_supported.as_deref());
    let authorization = AuthUrl::new(authorization).map_err(|error| error.to_string())?;
    Ok(Endpoints { authorization, token: TokenEndpoint::new(token, methods, has_secret, outbound)? })
}
