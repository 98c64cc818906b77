//! Refuses to serve everybody who reaches an address, unless somebody says that this is meant.

use std::net::ToSocketAddrs;

use anyhow::{Context, bail};

use crate::config::Config;

/// Checks that a service asks for keys, is reached from this machine alone, or is open on purpose.
pub(crate) fn check(config: &Config, listen: &str, is_open: bool) -> anyhow::Result<()> {
    if config.access.is_some() {
        if is_open {
            bail!("--open and [access] of the configuration contradict each other: take one of them away");
        }
        return Ok(());
    }
    let mut addresses = listen.to_socket_addrs().with_context(|| format!("'{listen}' is no address to listen on"))?;
    if !is_open && !addresses.all(|address| address.ip().is_loopback()) {
        bail!(
            "on {listen} anybody who reaches this machine could change what is stored: configure [access] (see \
             examples/production.toml), listen on 127.0.0.1, or say --open"
        );
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_let_in_without_keys() {
        let open = Config::load(None, &[]).unwrap();
        let asks = Config::load(None, &["access.reading=open".to_owned()]).unwrap();
        for (listen, is_safe) in [
            ("127.0.0.1:0", true),
            ("[::1]:8080", true),
            ("127.8.0.1:80", true),
            ("0.0.0.0:8080", false),
            ("[::]:1", false),
            ("192.0.2.1:80", false),
        ] {
            assert_eq!(check(&open, listen, false).is_ok(), is_safe, "{listen}");
            assert!(check(&open, listen, true).is_ok() && check(&asks, listen, false).is_ok(), "{listen}");
        }
        assert!(check(&open, "0.0.0.0:8080", false).unwrap_err().to_string().contains("examples/production.toml"));
        assert!(check(&asks, "0.0.0.0:8080", true).is_err() && check(&open, "nowhere", false).is_err());
    }
}
