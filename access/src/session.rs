//! Sessions of people in browsers: a cookie that names a key or a person, until when, and a signature over both. What a key
//! allows is looked up on each request, so that a session ends with its key. A person's role is in the cookie, and holds
//! until that is over.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use crate::people::{Person, Role};
use crate::secret::Digest;

/// The name of the cookie.
pub(crate) const COOKIE: &str = "resultsdb_session";
/// How long a ticket for an archive lasts: longer than browsers keep the page with the link to it.
pub(crate) const TICKET_LASTS: Duration = Duration::from_secs(24 * 3600);
/// How long a session lasts: a working day.
pub(crate) const LASTS: Duration = Duration::from_secs(12 * 3600);

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Whoever holds the key of this id.
    Key(String),
    /// Somebody who signed in.
    Person(Person),
}

/// Between the parts of a person; no id of a key has it.
const OF_PERSON: char = '~';

impl std::fmt::Display for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(id) => formatter.write_str(id),
            Self::Person(Person { name, role }) => {
                write!(formatter, "{}{OF_PERSON}{}", role.name(), URL_SAFE_NO_PAD.encode(name))
            }
        }
    }
}

impl Subject {
    fn parse(text: &str) -> Option<Self> {
        let Some((role, name)) = text.split_once(OF_PERSON) else { return Some(Self::Key(text.to_owned())) };
        let name = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
        Person::new(&name, Role::of_name(role)?).map(Self::Person)
    }
}

/// What sessions are signed with.
#[derive(Clone)]
pub struct SessionSecret([u8; BLOCK]);

/// Bytes of a block of SHA-256, which is the length of key that HMAC takes as it is.
const BLOCK: usize = 64;

/// The secret of sessions is too short to be one.
#[derive(Debug, thiserror::Error)]
#[error("the secret of sessions has {0} bytes, and needs 32 at least, as `openssl rand -hex 32` prints")]
pub struct ShortSecret(usize);

impl SessionSecret {
    /// A secret of one's own, so that sessions outlive a restart and count on every service.
    ///
    /// # Errors
    /// It has fewer than 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortSecret> {
        let bytes = bytes.trim_ascii();
        if bytes.len() < 32 { Err(ShortSecret(bytes.len())) } else { Ok(Self::of(Sha256::digest(bytes).into())) }
    }

    /// A secret that ends with the process.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self::of(bytes))
    }

    fn of(bytes: [u8; 32]) -> Self {
        let mut block = [0; BLOCK];
        block[..bytes.len()].copy_from_slice(&bytes);
        Self(block)
    }

    /// The value of a cookie for somebody, until a time in seconds since 1970.
    pub(crate) fn sign(&self, subject: &Subject, until: i64) -> String {
        let subject = subject.to_string();
        let signature = Digest(self.mac(&subject, until).finalize().into_bytes().into());
        format!("{subject}.{until}.{signature}")
    }

    /// Whom a cookie names, if it is ours and not over at a time in seconds since 1970. The signature is compared in constant
    /// time.
    pub(crate) fn verify(&self, cookie: &str, now: i64) -> Option<Subject> {
        let mut parts = cookie.splitn(3, '.');
        let (subject, until, digits) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let Digest(signature) = Digest::parse(digits)?;
        self.mac(subject, until).verify_slice(&signature).ok()?;
        if now < until { Subject::parse(subject) } else { None }
    }

    /// A part of an address by which one archive is read until a time in seconds since 1970.
    pub(crate) fn ticket(&self, archive: &str, until: i64) -> String {
        let signature = Digest(self.mac_of("archive", archive, until).finalize().into_bytes().into());
        format!("{archive}.{until}.{signature}")
    }

    /// The archive that a ticket is for, if it is ours and not over at a time in seconds since 1970. The signature is compared
    /// in constant time.
    pub(crate) fn archive_of<'t>(&self, ticket: &'t str, now: i64) -> Option<&'t str> {
        let mut parts = ticket.splitn(3, '.');
        let (archive, until, digits) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let Digest(signature) = Digest::parse(digits)?;
        self.mac_of("archive", archive, until).verify_slice(&signature).ok()?;
        (now < until).then_some(archive)
    }

    fn mac(&self, subject: &str, until: i64) -> Hmac<Sha256> {
        self.mac_of("session", subject, until)
    }

    /// What is signed for one purpose counts for no other.
    fn mac_of(&self, purpose: &str, subject: &str, until: i64) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.0.into());
        mac.update(format!("resultsdb {purpose}\n{subject}\n{until}").as_bytes());
        mac
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SessionSecret(…)")
    }
}

/// The value of a cookie of a request.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cookie_counts_until_it_is_over_and_only_with_its_secret() {
        let (ours, other) = (SessionSecret::random().unwrap(), SessionSecret::random().unwrap());
        let key = Subject::Key("abc".to_owned());
        let cookie = ours.sign(&key, 100);
        assert_eq!(
            (ours.verify(&cookie, 99), ours.verify(&cookie, 100), other.verify(&cookie, 99)),
            (Some(key), None, None)
        );
        // Another key, another time, and a signature that is cut.
        for forged in
            [cookie.replace("abc", "abd"), cookie.replace(".100.", ".101."), cookie[..cookie.len() - 2].to_owned()]
        {
            assert_eq!(ours.verify(&forged, 99), None, "{forged}");
        }
        assert!(SessionSecret::new(b"short\n").is_err() && SessionSecret::new(&[b'x'; 32]).is_ok());
        assert_eq!(format!("{ours:?}"), "SessionSecret(…)");
    }

    #[test]
    fn a_ticket_is_for_one_archive_until_it_is_over() {
        let (ours, other) = (SessionSecret::random().unwrap(), SessionSecret::random().unwrap());
        let ticket = ours.ticket("abc", 100);
        assert_eq!([99, 100].map(|now| ours.archive_of(&ticket, now)), [Some("abc"), None]);
        assert_eq!(other.archive_of(&ticket, 99), None);
        // A cookie is no ticket, and the other way round.
        assert_eq!(ours.archive_of(&ours.sign(&Subject::Key("abc".to_owned()), 100), 99), None);
        assert_eq!(ours.verify(&ticket, 99), None);
        let (another, longer) = (ticket.replacen("abc", "abd", 1), ticket.replacen("100", "101", 1));
        for forged in ["", "..", "abc.100", &another, &longer, &ticket[..ticket.len() - 2]] {
            assert_eq!(ours.archive_of(forged, 99), None, "{forged}");
        }
    }

    #[test]
    fn a_person_comes_back_as_they_left_and_with_no_other_role() {
        let ours = SessionSecret::random().unwrap();
        for name in ["ada", "Ада ~ Lovelace; a=b.c", "x".repeat(200).as_str()] {
            let reader = Subject::Person(Person::new(name, Role::Reader).unwrap());
            let cookie = ours.sign(&reader, 100);
            assert!(cookie.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"~._-".contains(&byte)), "{cookie}");
            assert_eq!(ours.verify(&cookie, 99), Some(reader));
            assert_eq!(ours.verify(&cookie.replace("reader", "admin"), 99), None);
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let headers: HeaderMap =
            [(header::COOKIE, "a=b; resultsdb_session=x.1.ff; c=d".parse().unwrap())].into_iter().collect();
        assert_eq!(cookie(&headers, COOKIE), Some("x.1.ff"));
        assert_eq!(cookie(&HeaderMap::new(), COOKIE), None);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_foreign_counts(text in "\\PC{0,90}") {
            prop_assert_eq!(SessionSecret::random().unwrap().verify(&text, 0), None);
        }
    }
}
