//! Who may do what: keys and their scopes, the rule of each route, and the door that holds both together.
//!
//! A request's way: [`routes`] give each path a [`Rule`] → the [`Door`]'s layer finds out who asks ([`Caller`], by a key of the
//! [`keyring`], a [`Bearer`] of a CI, a session, or the word of a proxy) and whether the rule lets them → the handler asks the caller what depends on the contents, such as the suite.
//! Keys are events; the door reads their table again and again ([`watch`]), so that a revoked key ends within a second on every
//! service.

mod address;
mod bearer;
mod caller;
mod claims;
mod denied;
mod door;
mod issuer_options;
mod keyring;
mod limits;
mod options;
mod people;
mod proxy;
mod routes;
mod scope;
mod secret;
mod session;
mod watch;

pub use bearer::{Bearer, BearerCheck};
pub use caller::{Caller, Who};
pub use claims::{ClaimPatterns, ClaimValue, ClaimValues, NoClaimValue};
pub use denied::Denied;
pub use door::{Door, Guards};
pub use issuer_options::{Algorithm, IssuerOptions, PolicyOptions};
pub use keyring::{KeyRecord, Keyring};
pub use limits::Limits;
pub use options::{AccessOptions, ConfiguredKey, OptionsError, Reading};
pub use people::{
    Departure, PeopleError, PeopleOptions, Person, ProviderOptions, ProxyOptions, Role, RoleOptions, Roles, SignIn,
};
pub use proxy::{Proxy, ProxyError};
pub use routes::{Routes, Rule};
pub use scope::{MAX_SCOPES, Scope, Scopes, UnknownScope, Upload};
pub use secret::{Digest, Kind, Secret, SecretError};
pub use session::{SessionSecret, ShortSecret};
pub use watch::{load, watch};
