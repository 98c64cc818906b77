//! `as_of`: what would have been answered at a time.

use std::borrow::Cow;

use answers::Store;
use schema::receipt::Receipt;
use schema::seconds::DAY;
use web::time::{self, Time};

use super::Parameters;
use crate::error::{ApiError, bad};

/// What [`read`] takes, for errors.
const SPELLINGS: &str = "a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, seconds since 1970, or the receipt of \
                         an upload";

/// The views as they were known at the time that is asked for; as they are if there is none.
///
/// # Errors
/// It is no time, or lies ahead.
pub(crate) fn store<'s>(store: &'s Store, parameters: &Parameters) -> Result<Cow<'s, Store>, ApiError> {
    let Some(text) = parameters.chosen("as_of") else { return Ok(Cow::Borrowed(store)) };
    let now = i64::try_from(store.clock.now()).unwrap_or(i64::MAX);
    let asked = read(text, now).ok_or_else(|| bad(format!("as_of is {SPELLINGS}")))?;
    if asked > now {
        return Err(bad("as_of lies ahead: nobody knows what will be known then"));
    }
    Ok(Cow::Owned(store.as_of(u32::try_from(asked.max(0)).unwrap_or(u32::MAX))))
}

/// The time that is asked for, seconds since 1970. The date of today stands for now. A receipt names an offset of one partition,
/// which orders nothing across partitions; so it stands for the time at which its event was made, by the clock of an intake
/// that may be ahead of ours, but not by more than a day.
fn read(text: &str, now: i64) -> Option<i64> {
    match time::read(text) {
        Some(Time::EndOfDay(end)) if (now..=now.saturating_add(DAY as i64)).contains(&end) => Some(now),
        Some(time) => Some(time.seconds()),
        None => {
            let made_at = i64::try_from(text.parse::<Receipt>().ok()?.made_at()?).unwrap_or(i64::MAX);
            Some(if made_at <= now.saturating_add(DAY as i64) { made_at.min(now) } else { made_at })
        }
    }
}
