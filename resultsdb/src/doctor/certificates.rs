//! Certificates that the configuration names: whether they can be read, and how long they count.

use std::path::Path;

use anyhow::{Context, anyhow};
use schema::clock::now_signed;
use schema::seconds::DAY;
use x509_parser::parse_x509_certificate;

use super::finding::{Finding, Line};
use super::units::time;
use crate::config::Config;
use crate::listen;

/// An authority may need a week or two for a new certificate; those that renew themselves do so earlier.
const SOON: i64 = 21 * DAY as i64;

/// What the certificates of a file are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// One that is shown, with those up to its authority: each of them has to count.
    Shown,
    /// Authorities that are trusted: each stands for itself.
    Trusted,
}

/// When a certificate counts, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Validity {
    from: i64,
    until: i64,
}

/// A line for each file with certificates.
pub(super) fn lines(config: &Config, is_deployment: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = files(config, is_deployment)
        .into_iter()
        .map(|(member, file, usage)| line(config, member, file, usage))
        .collect();
    if lines.is_empty() {
        let finding = Finding::ok("the configuration names none");
        lines.push(Line { check: "certificates".to_owned(), finding });
    }
    lines
}

/// The files by the members that name them.
fn files(config: &Config, is_deployment: bool) -> Vec<(&'static str, &Path, Use)> {
    let mut files = Vec::new();
    if let Some(tls) = &config.tls {
        files.push(("tls.certificate", Some(&tls.certificate), Use::Shown));
        files.push(("tls.client_ca", tls.client_ca.as_ref(), Use::Trusted));
    }
    if is_deployment {
        let (kafka, clickhouse) = (&config.kafka, &config.clickhouse);
        files.push(("kafka.ca", kafka.ca.as_ref(), Use::Trusted));
        files.push(("kafka.certificate", kafka.certificate.as_ref(), Use::Shown));
        let token_ca = kafka.sasl.as_ref().and_then(|sasl| sasl.token_ca.as_ref());
        files.push(("kafka.sasl.token_ca", token_ca, Use::Trusted));
        files.push(("clickhouse.ca", clickhouse.ca.as_ref(), Use::Trusted));
        files.push(("clickhouse.certificate", clickhouse.certificate.as_ref(), Use::Shown));
    }
    files.into_iter().filter_map(|(member, file, usage)| Some((member, file?.as_path(), usage))).collect()
}

fn line(config: &Config, member: &str, file: &Path, usage: Use) -> Line {
    // The files of a service are of no use where they do not fit each other.
    let fits = match &config.tls {
        Some(tls) if member == "tls.certificate" => listen::check(tls),
        _ => Ok(()),
    };
    let found = fits.and_then(|()| validities(file)).map(|found| judge(&found, usage, member, now_signed()));
    let advice = format!("Put a PEM file that can be read where {member} of the configuration says");
    let finding = found.unwrap_or_else(|error| Finding::failed(&error, &advice));
    Line { check: format!("certificates of {member}"), finding }
}

fn validities(file: &Path) -> anyhow::Result<Vec<Validity>> {
    let validity = |der: &[u8]| {
        let (_, certificate) =
            parse_x509_certificate(der).map_err(|error| anyhow!("a certificate is damaged: {error}"))?;
        let validity = certificate.validity();
        Ok(Validity { from: validity.not_before.timestamp(), until: validity.not_after.timestamp() })
    };
    let found: anyhow::Result<Vec<Validity>> = listen::certificates(file)?.iter().map(|der| validity(der)).collect();
    found.with_context(|| format!("in {}", file.display()))
}

fn judge(found: &[Validity], usage: Use, member: &str, now: i64) -> Finding {
    // Of authorities, those that are over are of no use and do no harm while there are others.
    let from = match usage {
        Use::Shown => found.iter().map(|validity| validity.from).max(),
        Use::Trusted => found.iter().map(|validity| validity.from).min(),
    };
    let until = match usage {
        Use::Shown => found.iter().map(|validity| validity.until).min(),
        Use::Trusted => found.iter().map(|validity| validity.until).max(),
    };
    let (Some(from), Some(until)) = (from, until) else { return Finding::ok("there are none") };
    let advice = format!("Put a new file where {member} of the configuration says");
    if until < now {
        Finding::wrong(format!("over since {}", time((now - until).unsigned_abs())), advice)
    } else if from > now {
        let found = format!("it counts only in {}", time((from - now).unsigned_abs()));
        Finding::wrong(found, "Set the clock of this machine, or put a certificate there that counts already")
    } else if until - now < SOON {
        Finding::look(format!("over in {}", time((until - now).unsigned_abs())), advice)
    } else {
        Finding::ok(format!("good for {}", time((until - now).unsigned_abs())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    const HOUR: i64 = 3600;

    fn of(found: &[(i64, i64)], usage: Use) -> Finding {
        let found: Vec<Validity> = found.iter().map(|(from, until)| Validity { from: *from, until: *until }).collect();
        judge(&found, usage, "tls.certificate", 0)
    }

    #[test]
    fn certificates_are_told_before_they_are_over() {
        assert_eq!(of(&[(-HOUR, SOON)], Use::Shown), Finding::ok("good for 21 d"));
        assert_eq!(of(&[(-HOUR, SOON - 1)], Use::Shown).verdict, Verdict::Look);
        assert_eq!(of(&[(-HOUR, -1)], Use::Shown).verdict, Verdict::Wrong);
        assert_eq!(of(&[(HOUR, SOON)], Use::Shown).verdict, Verdict::Wrong);
    }

    #[test]
    fn one_of_several_authorities_may_be_over() {
        let found = [(-HOUR, SOON), (-HOUR, -1)];
        assert_eq!((of(&found, Use::Trusted).verdict, of(&found, Use::Shown).verdict), (Verdict::Ok, Verdict::Wrong));
    }

    #[test]
    fn the_times_of_a_file_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let authority = test_support::pki::Authority::new(folder.path(), "authority");
        let found = validities(&authority.file).unwrap();
        assert!(found.len() == 1 && found[0].from < found[0].until, "{found:?}");
        std::fs::write(&authority.file, "nothing").unwrap();
        assert!(validities(&authority.file).unwrap_err().to_string().contains("holds no certificate"));
    }
}
