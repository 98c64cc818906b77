//! Exchanges the code that a browser brings back for a token (RFC 6749, section 4.1.3; OpenID Connect Core 1.0, section 3.1.3).

use access::Denied;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, ExtraTokenFields, HttpRequest, HttpResponse,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use outbound::Outbound;
use serde::{Deserialize, Serialize};

use crate::fetch::{MAX_BYTES, TIMEOUT};

/// The member of an answer that says who somebody is.
#[derive(Debug, Serialize, Deserialize)]
struct IdToken {
    id_token: String,
}

impl ExtraTokenFields for IdToken {}

type TokenClient = Client<
    BasicErrorResponse,
    StandardTokenResponse<IdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// Where codes are exchanged.
#[derive(Debug)]
pub(super) struct TokenEndpoint {
    url: TokenUrl,
    /// How this server proves itself.
    proof: AuthType,
    agent: ureq::Agent,
}

/// One exchange.
pub(super) struct Exchange {
    pub(super) client: ClientId,
    pub(super) secret: Option<ClientSecret>,
    pub(super) back: RedirectUrl,
    pub(super) code: AuthorizationCode,
    pub(super) verifier: PkceCodeVerifier,
}

/// Why there is no token. None of the texts holds a code or a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("the provider is away: {0}")]
    Away(String),
    #[error("the provider refuses it: {0}")]
    Refused(String),
    #[error("the provider's answer is no token")]
    NoToken,
}

impl From<ExchangeError> for Denied {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Away(_) => Self::SignInAway(error.to_string()),
            ExchangeError::Refused(_) | ExchangeError::NoToken => Self::SignInFailed(error.to_string()),
        }
    }
}

impl TokenEndpoint {
    /// `methods` are the ways of proof that the provider says it takes; where it says nothing, a header with the secret.
    pub(super) fn new(
        url: String,
        methods: Option<&[String]>,
        has_secret: bool,
        outbound: &Outbound,
    ) -> Result<Self, String> {
        let takes = |method: &str| methods.is_none_or(|methods| methods.iter().any(|known| known == method));
        let is_in_header = has_secret && takes("client_secret_basic");
        let agent = outbound.agent(&url, TIMEOUT, 0).map_err(|error| error.to_string())?;
        let url = TokenUrl::new(url).map_err(|error| error.to_string())?;
        Ok(Self { url, proof: if is_in_header { AuthType::BasicAuth } else { AuthType::RequestBody }, agent })
    }

    /// The token that a code stands for. It blocks.
    ///
    /// # Errors
    /// The provider does not answer, refuses the code, or gives no token.
    pub(super) fn exchange(&self, exchange: Exchange) -> Result<String, ExchangeError> {
        let Exchange { client, secret, back, code, verifier } = exchange;
        let mut client = TokenClient::new(client)
            .set_token_uri(self.url.clone())
            .set_redirect_uri(back)
            .set_auth_type(self.proof.clone());
        if let Some(secret) = secret {
            client = client.set_client_secret(secret);
        }
        let sent = client.exchange_code(code).set_pkce_verifier(verifier).request(&|request| self.send(request));
        match sent {
            Ok(token) => Ok(token.extra_fields().id_token.clone()),
            Err(RequestTokenError::Request(error)) => Err(ExchangeError::Away(outbound::explain(&error))),
            // Its description may be anything.
            Err(RequestTokenError::ServerResponse(error)) => {
                Err(ExchangeError::Refused(crate::ci::shortened(error.error().as_ref())))
            }
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => Err(ExchangeError::NoToken),
        }
    }

    fn send(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let bytes = body.with_config().limit(MAX_BYTES).read_to_vec()?;
        Ok(HttpResponse::from_parts(parts, bytes))
    }
}
