//! `as_of`: what would have been answered at a time.

use std::borrow::Cow;

use answers::Store;
use schema::seconds::DAY;
use web::time::{self, Time};

use super::Parameters;
use crate::error::{ApiError, bad};

/// The views as they were known at the time that is asked for; as they are if there is none. The date of today stands for now.
///
/// # Errors
/// It is no time, or lies ahead.
pub(crate) fn store<'s>(store: &'s Store, parameters: &Parameters) -> Result<Cow<'s, Store>, ApiError> {
    let Some(text) = parameters.chosen("as_of") else { return Ok(Cow::Borrowed(store)) };
    let now = i64::try_from(store.clock.now()).unwrap_or(i64::MAX);
    let asked = match time::read(text).ok_or_else(|| bad(format!("as_of is {}", time::SPELLINGS)))? {
        Time::EndOfDay(end) if (now..=now.saturating_add(DAY as i64)).contains(&end) => now,
        time => time.seconds(),
    };
    if asked > now {
        return Err(bad("as_of lies ahead: nobody knows what will be known then"));
    }
    Ok(Cow::Owned(store.as_of(u32::try_from(asked.max(0)).unwrap_or(u32::MAX))))
}
