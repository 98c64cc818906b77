//! `as_of`: what would have been answered at a time.

use std::borrow::Cow;

use answers::Store;
use schema::receipt::Receipt;
use schema::seconds::DAY;
use web::time::{self, Time};

use super::Parameters;
use crate::error::{ApiError, bad};

/// The views as they were known at the time that is asked for; as they are if there is none.
///
/// # Errors
/// It is no time, or lies ahead.
pub(crate) fn store<'s>(store: &'s Store, parameters: &Parameters) -> Result<Cow<'s, Store>, ApiError> {
    let Some(text) = parameters.chosen("as_of") else { return Ok(Cow::Borrowed(store)) };
    let now = i64::try_from(store.clock.now()).unwrap_or(i64::MAX);
    let asked =
        read(text, now).ok_or_else(|| bad(format!("as_of is {}; or the receipt of an upload", time::SPELLINGS)))?;
    if asked > now {
        return Err(bad("as_of lies ahead: nobody knows what will be known then"));
    }
    Ok(Cow::Owned(store.as_of(u32::try_from(asked.max(0)).unwrap_or(u32::MAX))))
}

/// The time that is asked for, seconds since 1970. A receipt names an offset of one partition, which orders nothing across
/// partitions; so it stands for the time at which its event was made. The end of today stands for now, and so does what the
/// clock of an intake says that is ahead of ours.
fn read(text: &str, now: i64) -> Option<i64> {
    let soon_is_now = |time: i64| if (now..=now.saturating_add(DAY as i64)).contains(&time) { now } else { time };
    match time::read(text) {
        Some(Time::EndOfDay(end)) => Some(soon_is_now(end)),
        Some(Time::Moment(time)) => Some(time),
        None => {
            let made_at = text.parse::<Receipt>().ok()?.made_at()?;
            Some(soon_is_now(i64::try_from(made_at).unwrap_or(i64::MAX)))
        }
    }
}
