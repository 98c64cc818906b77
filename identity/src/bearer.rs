//! What the door is told of a token.

use access::{Bearer, BearerCheck, Denied};
use async_trait::async_trait;

use crate::error::IdentityError;
use crate::issuers::{Identity, Issuers};

#[async_trait]
impl BearerCheck for Issuers {
    async fn check(&self, text: &str, now: i64) -> Result<Bearer, Denied> {
        let Identity { actor, scopes, run } = Self::check(self, text, now).await?;
        Ok(Bearer { actor, scopes, run })
    }
}

impl From<IdentityError> for Denied {
    fn from(error: IdentityError) -> Self {
        let denied = match &error {
            error if error.is_temporary() => Self::UncheckedToken,
            error if error.is_forbidden() => Self::UselessToken,
            _ => Self::BadToken,
        };
        denied(error.to_string())
    }
}
