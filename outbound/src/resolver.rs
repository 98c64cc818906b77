//! Resolves names once, and hands on only what may be asked.

use std::sync::Arc;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::OutboundError;
use crate::address::special_use;
use crate::allow::AllowList;
use crate::origin::Origin;

/// A resolver of one origin. The agent asks it before every request, redirects included, and connects to what it answers.
#[derive(Debug)]
pub(crate) struct CheckedResolver<R> {
    inner: R,
    origin: Origin,
    allow: Arc<AllowList>,
}

impl<R: Resolver> CheckedResolver<R> {
    pub(crate) fn new(inner: R, origin: Origin, allow: Arc<AllowList>) -> Self {
        Self { inner, origin, allow }
    }
}

impl<R: Resolver> Resolver for CheckedResolver<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let refused = |error: OutboundError| Error::Other(Box::new(error));
        let target = Origin::of(uri).ok_or_else(|| refused(OutboundError::Address))?;
        if target != self.origin {
            return Err(refused(OutboundError::Redirect { from: self.origin.to_string(), to: target.to_string() }));
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        if self.allow.has_host(target.host()) {
            return Ok(addresses);
        }
        // One bad address refuses them all: which of them is connected to depends on which answers first.
        for address in addresses.iter().map(|address| address.ip()).filter(|it| !self.allow.has_address(*it)) {
            if let Some(range) = special_use(address) {
                return Err(refused(OutboundError::Private { host: target.host().to_owned(), range }));
            }
        }
        Ok(addresses)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::net::{IpAddr, SocketAddr};

    use crate::OutboundOptions;

    /// Answers the same addresses for every name.
    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    impl Resolver for Fixed {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            let mut answer = self.empty();
            for address in &self.0 {
                answer.push(SocketAddr::new(*address, 80));
            }
            Ok(answer)
        }
    }

    fn resolve(url: &str, addresses: &[&str], allow: &[&str]) -> Result<Vec<IpAddr>, OutboundError> {
        let fixed = Fixed(addresses.iter().map(|it| it.parse().unwrap()).collect());
        let allow = OutboundOptions { allow: allow.iter().map(|it| (*it).to_owned()).collect() };
        let outbound = crate::Outbound::try_from(allow).unwrap();
        let resolver =
            CheckedResolver::new(fixed, Origin::of_address("http://host.example.org/api").unwrap(), outbound.allow);
        let timeout = NextTimeout {
            after: std::time::Duration::from_secs(1).into(),
            reason: ureq::Timeout::Resolve,
            ..NextTimeout::default()
        };
        match resolver.resolve(&url.parse().unwrap(), &Config::default(), timeout) {
            Ok(found) => Ok(found.iter().map(SocketAddr::ip).collect()),
            Err(error) => Err(crate::refusal(&error).unwrap().clone()),
        }
    }

    const URL: &str = "http://host.example.org/api/x";

    #[test]
    fn exactly_what_was_checked_is_connected_to() {
        let public = ["1.1.1.1", "2606:4700::1"];
        assert_eq!(resolve(URL, &public, &[]).unwrap(), public.map(|it| it.parse::<IpAddr>().unwrap()));
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_them_all() {
        for private in
            ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fd00::1"]
        {
            let error = resolve(URL, &["1.1.1.1", private], &[]).unwrap_err();
            assert!(matches!(&error, OutboundError::Private { host, .. } if host == "host.example.org"), "{error}");
        }
        let error = resolve(URL, &["10.0.0.1"], &[]).unwrap_err().to_string();
        assert!(error.starts_with("the host host.example.org is private (private use)"), "{error}");
        assert!(error.ends_with("add \"host.example.org\" to allow in [outbound] of the configuration"), "{error}");
    }

    #[test]
    fn what_is_listed_is_asked() {
        assert!(resolve(URL, &["10.0.0.1", "127.0.0.1"], &["HOST.example.org"]).is_ok());
        assert!(resolve(URL, &["10.0.0.1", "1.1.1.1"], &["10.0.0.0/8"]).is_ok());
        assert!(resolve(URL, &["10.0.0.1", "127.0.0.1"], &["10.0.0.0/8"]).is_err());
        assert!(resolve(URL, &["10.0.0.1"], &["example.org"]).is_err());
    }

    #[test]
    fn another_origin_is_not_resolved() {
        for url in ["http://other.example.org/", "https://host.example.org/", "http://host.example.org:8080/"] {
            let error = resolve(url, &["1.1.1.1"], &["other.example.org"]).unwrap_err();
            assert!(matches!(error, OutboundError::Redirect { .. }), "{url}: {error}");
        }
        assert!(resolve("http://HOST.example.org:80/elsewhere", &["1.1.1.1"], &[]).is_ok());
    }
}
