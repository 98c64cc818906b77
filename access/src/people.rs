//! People: who they are by the word of an identity provider, or of a proxy that asked one, and what their role lets them do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName};
use schema::plain::is_plain;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::claims::{ClaimPatterns, ClaimValues, NoClaimValue};
use crate::denied::Denied;
use crate::issuer_options::{Algorithm, only_rs256};
use crate::scope::{Scope, Scopes};

/// The longest name of somebody, bytes: a line that a list can show, and that fits into a cookie.
const MAX_PERSON_BYTES: usize = 200;

/// The part `[access.people]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleOptions {
    /// Where people sign in.
    #[serde(default)]
    pub provider: Option<ProviderOptions>,
    /// What a proxy says of people that it let through.
    #[serde(default)]
    pub proxy: Option<ProxyOptions>,
    /// Who has which role; the most that is given counts.
    #[serde(default)]
    pub roles: Vec<RoleOptions>,
}

/// An identity provider that speaks OpenID Connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderOptions {
    /// The claim `iss` of its tokens, letter by letter: an `https` address. On loopback it may be `http`.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// A file with the secret that goes with it; a provider may ask for none where a client proves its request (PKCE).
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for beside `openid`.
    #[serde(default = "profile")]
    pub scopes: Vec<String>,
    /// The claim by which somebody is called; who has none is called by `sub`.
    #[serde(default = "preferred_username")]
    pub name_claim: String,
    /// The address of its public keys, where that is of another host than the issuer.
    #[serde(default)]
    pub jwks: Option<String>,
    /// The address to which browsers are sent, where that is of another host than the issuer.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// The address at which this server takes the token, where that is of another host than the issuer.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// Algorithms that may sign.
    #[serde(default = "only_rs256")]
    pub algorithms: Vec<Algorithm>,
}

/// Headers in which a proxy of `[access] proxies` says who somebody is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyOptions {
    /// The one with their name, which roles know as the claim `user`.
    pub user_header: String,
    /// The one with their groups, between commas, which roles know as the claim `groups`.
    #[serde(default)]
    pub groups_header: Option<String>,
}

/// Who has a role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleOptions {
    /// The role.
    pub role: Role,
    /// Values by claim; of each, somebody has one. Without any, everybody who signs in has the role.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimValues>,
}

/// What somebody may do; each role has what the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Reader,
    /// Links bugs, renames tests, says who owns them, and puts them into quarantine.
    Triager,
    /// Everything.
    Admin,
}

impl Role {
    /// All, and their names.
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Reader, "reader"), (Self::Triager, "triager"), (Self::Admin, "admin")];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(role, _)| *role == self).map_or("reader", |(_, name)| name)
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }

    pub(crate) fn scopes(self) -> Scopes {
        Scopes::new(match self {
            Self::Reader => vec![Scope::Read],
            Self::Triager => vec![Scope::Link, Scope::Quarantine],
            Self::Admin => vec![Scope::Admin],
        })
    }
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is, as events and the audit say it.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Person {
    /// Somebody of this name; none if it is no line that a list can show.
    pub fn new(name: &str, role: Role) -> Option<Self> {
        let name = name.trim();
        let is_line = !name.is_empty() && name.len() <= MAX_PERSON_BYTES && is_plain(name);
        is_line.then(|| Self { name: name.to_owned(), role })
    }
}

/// Why `[access.people]` makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// Nobody has a role.
    #[error("access.people has no roles, so that nobody may do anything: add [[access.people.roles]]")]
    NoRoles,
    /// Nobody says who people are.
    #[error(
        "access.people says neither where people sign in ([access.people.provider]) nor what a proxy says of them ([access.people.proxy])"
    )]
    NoWay,
    /// A role's claim has no value.
    #[error("role {number} of access.people.roles has {cause}")]
    Claim {
        /// Which, from 1.
        number: usize,
        /// What it lacks.
        cause: NoClaimValue,
    },
    /// A header has no name.
    #[error("access.people.proxy: '{0}' is no name of a header")]
    Header(String),
    /// No proxy is listed.
    #[error(
        "access.people.proxy needs the addresses of the proxies in `proxies` of [access]: what others write counts for nothing"
    )]
    NoProxies,
}

/// Who has which role.
#[derive(Debug, Clone)]
pub struct Roles(Vec<(Role, ClaimPatterns)>);

impl Roles {
    /// Reads the part of the configuration.
    ///
    /// # Errors
    /// There are none, or one has a claim without a value.
    pub fn new(options: &[RoleOptions]) -> Result<Self, PeopleError> {
        if options.is_empty() {
            return Err(PeopleError::NoRoles);
        }
        let role = |(options, number): (&RoleOptions, usize)| {
            let patterns = ClaimPatterns::new(&options.claims).map_err(|cause| PeopleError::Claim { number, cause })?;
            Ok((options.role, patterns))
        };
        options.iter().zip(1..).map(role).collect::<Result<_, _>>().map(Self)
    }

    /// The most that these claims give.
    pub fn of(&self, claims: &Map<String, Value>) -> Option<Role> {
        self.0.iter().filter(|(_, patterns)| patterns.match_any(claims)).map(|(role, _)| *role).max()
    }
}

/// Reads what proxies say of people.
#[derive(Debug, Clone)]
pub(crate) struct ProxyHeaders {
    user: HeaderName,
    groups: Option<HeaderName>,
    roles: Roles,
}

impl ProxyHeaders {
    pub(crate) fn new(options: &ProxyOptions, roles: Roles) -> Result<Self, PeopleError> {
        let name = |text: &str| HeaderName::try_from(text).map_err(|_| PeopleError::Header(text.to_owned()));
        let groups = options.groups_header.as_deref().map(name).transpose()?;
        Ok(Self { user: name(&options.user_header)?, groups, roles })
    }

    /// Who a proxy says it asks for; none if it names nobody, or names them twice, which is how a header is smuggled past it.
    ///
    /// # Errors
    /// They have no role.
    pub(crate) fn person(&self, headers: &HeaderMap) -> Result<Option<Person>, Denied> {
        let text = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?;
            values.next().is_none().then_some(value.trim())
        };
        let Some(user) = text(&self.user).filter(|user| !user.is_empty()) else { return Ok(None) };
        let groups = self.groups.as_ref().and_then(text).unwrap_or_default();
        let groups: Vec<&str> = groups.split(',').map(str::trim).filter(|group| !group.is_empty()).collect();
        let mut claims = Map::new();
        claims.insert("user".to_owned(), user.into());
        claims.insert("groups".to_owned(), groups.into());
        let role = self.roles.of(&claims).ok_or_else(|| Denied::NoRole(user.to_owned()))?;
        Ok(Person::new(user, role))
    }
}

/// Lets people sign in at an identity provider.
#[async_trait]
pub trait SignIn: std::fmt::Debug + Send + Sync {
    /// The host at which people sign in, to be shown.
    fn host(&self) -> &str;

    /// Begins to sign somebody in.
    ///
    /// # Errors
    /// The provider does not say where.
    async fn begin(&self) -> Result<Departure, Denied>;

    /// Who came back with this `code` and `state`, in the browser that brings `kept`, at `now`, seconds since 1970.
    ///
    /// # Errors
    /// It is another browser, the provider does not confirm it, or they have no role.
    async fn finish(&self, kept: &str, state: &str, code: &str, now: i64) -> Result<Person, Denied>;
}

/// How somebody leaves for their provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Where the browser is sent.
    pub url: String,
    /// What it keeps until it comes back: letters, digits, `-`, `_` and `.`.
    pub kept: String,
}

fn profile() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn proxy(toml: &str) -> ProxyHeaders {
        let options: PeopleOptions = toml::from_str(toml).unwrap();
        ProxyHeaders::new(&options.proxy.unwrap(), Roles::new(&options.roles).unwrap()).unwrap()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const OPTIONS: &str = r#"
        proxy = { user_header = "X-Forwarded-User", groups_header = "X-Forwarded-Groups" }
        roles = [
            { role = "admin", claims = { groups = "ci-admins", user = ["ada", "grace"] } },
            { role = "triager", claims = { groups = "ci-*" } },
            { role = "reader" },
        ]
    "#;

    #[test]
    fn the_most_that_is_given_counts() {
        let proxy = proxy(OPTIONS);
        for (user, groups, expected) in [
            ("ada", "x, ci-admins", Role::Admin),
            ("bob", "x, ci-admins", Role::Triager),
            ("ada", "ci-bots", Role::Triager),
            ("ada", "", Role::Reader),
        ] {
            let found = proxy.person(&headers(&[("x-forwarded-user", user), ("x-forwarded-groups", groups)]));
            assert_eq!(found, Ok(Person::new(user, expected)), "{user} {groups}");
        }
    }

    #[test]
    fn who_is_not_named_once_is_nobody() {
        let proxy = proxy(OPTIONS);
        for pairs in [
            &[][..],
            &[("x-forwarded-user", "")],
            &[("x-forwarded-user", "ada"), ("x-forwarded-user", "grace")],
            &[("x-forwarded-groups", "ci-admins")],
        ] {
            assert_eq!(proxy.person(&headers(pairs)), Ok(None), "{pairs:?}");
        }
        let strict = OPTIONS.replace(r#"{ role = "reader" },"#, "");
        let denied = self::proxy(&strict).person(&headers(&[("x-forwarded-user", "bob")])).unwrap_err();
        assert_eq!(denied, Denied::NoRole("bob".to_owned()));
    }

    #[test]
    fn roles_have_names_and_include_each_other() {
        for (role, name) in Role::NAMES {
            assert_eq!((Role::of_name(name), role.name()), (Some(role), name));
        }
        assert!(Role::Reader.scopes().may_read() && !Role::Reader.scopes().may_link());
        assert!(!Role::Reader.scopes().may_quarantine() && Role::Triager.scopes().may_quarantine());
        assert!(Role::Triager.scopes().may_read() && Role::Triager.scopes().may_link());
        assert!(!Role::Triager.scopes().may_administer() && Role::Admin.scopes().may_administer());
        assert!(Roles::new(&[]).is_err());
    }
}
