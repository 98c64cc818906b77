//! Keys that end, by name. Nothing of a key itself is told.

use access::AccessOptions;
use anyhow::Context;
use clickhouse::{Client, Row};
use schema::clock::now_signed;
use schema::seconds::DAY;
use serde::Deserialize;

use super::finding::Finding;
use super::units::{names, time};

/// Who has a key needs some days to put another in its place.
const SOON: i64 = 14 * DAY as i64;
/// A stored key that is over for longer is missed by nobody.
const MISSED: i64 = 14 * DAY as i64;

/// A key that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Key {
    name: String,
    /// Seconds since 1970.
    expires_at: i64,
}

/// Looks at the keys of the configuration.
pub(super) fn configured(access: Option<&AccessOptions>) -> anyhow::Result<Finding> {
    let Some(access) = access else {
        return Ok(Finding::ok("the configuration has no [access], so that nobody needs a key"));
    };
    let keys = access.records().context("in the configuration")?;
    let ends = keys.iter().filter_map(|key| Some(Key { name: key.name.clone(), expires_at: key.expires_at? }));
    Ok(judge_configured(&ends.collect::<Vec<_>>(), keys.len(), now_signed()))
}

fn judge_configured(keys: &[Key], all: usize, now: i64) -> Finding {
    let mut troubles = Vec::new();
    let over = texts(keys, |left| left <= 0, now);
    if !over.is_empty() {
        troubles.push(Finding::wrong(
            format!("over are {}", names(&over)),
            "Take them out of access.keys, or give them a later day in `expires`",
        ));
    }
    let soon = texts(keys, |left| left > 0 && left < SOON, now);
    if !soon.is_empty() {
        troubles.push(Finding::look(
            format!("soon over are {}", names(&soon)),
            "Give them a later day in `expires` of access.keys, or their users other keys",
        ));
    }
    Finding::of(troubles, format!("{all} in the configuration, and none is over or ends within {}", time(SOON as u64)))
}

/// Asks the store for the keys that were made while a server ran. Those that somebody ended are left out.
pub(super) async fn stored(client: &Client) -> anyhow::Result<Finding> {
    let sql = "SELECT name, toInt64(expires_at) AS expires_at FROM access_keys \
               WHERE expires_at > 0 AND id NOT IN (SELECT id FROM access_key_ends) ORDER BY expires_at LIMIT 100000";
    let keys: Vec<Key> = client.query(sql).fetch_all().await.context("asking for keys")?;
    Ok(judge_stored(&keys, now_signed()))
}

fn judge_stored(keys: &[Key], now: i64) -> Finding {
    let mut troubles = Vec::new();
    let advice = "Put others in their place with `resultsdb keys rotate`, or end them with `resultsdb keys revoke`";
    let over = texts(keys, |left| left <= 0 && left > -MISSED, now);
    if !over.is_empty() {
        troubles.push(Finding::look(format!("lately over are {}", names(&over)), advice));
    }
    let soon = texts(keys, |left| left > 0 && left < SOON, now);
    if !soon.is_empty() {
        troubles.push(Finding::look(format!("soon over are {}", names(&soon)), advice));
    }
    Finding::of(troubles, format!("none ended lately or ends within {}", time(SOON as u64)))
}

/// The keys whose time that is left, in seconds, is such, with that time.
fn texts(keys: &[Key], is: impl Fn(i64) -> bool, now: i64) -> Vec<String> {
    let found = keys.iter().filter(|key| is(key.expires_at - now));
    let text = |key: &Key| {
        let apart = time((key.expires_at - now).unsigned_abs());
        if key.expires_at <= now {
            format!("'{}' ({apart} ago)", key.name)
        } else {
            format!("'{}' (in {apart})", key.name)
        }
    };
    found.map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn key(expires_at: i64) -> Key {
        Key { name: "ci".to_owned(), expires_at }
    }

    #[test]
    fn configured_keys_that_are_over_are_wrong() {
        let of = |left| judge_configured(&[key(left)], 3, 0);
        assert_eq!(of(SOON), Finding::ok("3 in the configuration, and none is over or ends within 14 d"));
        let found = of(SOON - 1);
        assert_eq!((found.verdict, found.found.as_str()), (Verdict::Look, "soon over are 'ci' (in 13 d)"));
        let found = of(0);
        assert_eq!((found.verdict, found.found.as_str()), (Verdict::Wrong, "over are 'ci' (0 s ago)"));
    }

    #[test]
    fn stored_keys_are_told_around_their_end() {
        let of = |left| judge_stored(&[key(left)], 0).verdict;
        assert_eq!([of(SOON), of(-MISSED)], [Verdict::Ok; 2]);
        assert_eq!([of(SOON - 1), of(0), of(1 - MISSED)], [Verdict::Look; 3]);
    }
}
