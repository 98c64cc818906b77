//! Identities that others vouch for: CIs, which upload with their own OIDC tokens (JWTs, RFC 7519) and no stored secret, and
//! people, who sign in at a [`Provider`].
//!
//! A CI's token's way through [`Issuers::check`], each step before the next: its issuer is configured → its key id is in the issuer's
//! JWKS (`keyset` keeps it, `fetch` asks for it, `jwks` reads it) → its algorithm is the key's, and one that the configuration
//! allows → its signature holds → audience → times (`token`) → claims against the [policies](PolicyOptions) (`policy`). The
//! result is an [`Identity`]: who it is, the run that the token was issued for, and scopes. `ci` knows what each CI's claims
//! say, and reduces the scopes of a change under review to the change lane.

mod bearer;
mod ci;
mod error;
mod fetch;
mod issuers;
mod jwks;
mod keyset;
mod needs;
mod policy;
mod sign_in;
mod token;
mod token_check;

pub use access::{Algorithm, ClaimValue, ClaimValues, IssuerOptions, PolicyOptions};
pub use error::{IdentityError, IssuerError};
pub use issuers::{Identity, Issuers};
pub use needs::{ID_CLAIMS, MAX_TOKEN_BYTES};
pub use sign_in::{Provider, ProviderError};
pub use token::LEEWAY;
