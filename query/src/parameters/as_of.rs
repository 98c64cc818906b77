//! `as_of`: what would have been answered at a time.

use std::borrow::Cow;

use answers::Store;
use web::time;

use super::Parameters;
use crate::error::{ApiError, bad};

/// The views as they were known at the time that is asked for; as they are if there is none.
///
/// # Errors
/// It is no time, or lies ahead. A date of which there is a part yet stands for now.
pub(crate) fn store<'s>(store: &'s Store, parameters: &Parameters) -> Result<Cow<'s, Store>, ApiError> {
    let Some(text) = parameters.chosen("as_of") else { return Ok(Cow::Borrowed(store)) };
    let asked = time::read(text).ok_or_else(|| bad(format!("as_of is {}", time::SPELLINGS)))?;
    let now = i64::try_from(store.clock.now()).unwrap_or(i64::MAX);
    let today = text.len() == "2026-01-31".len() && asked - now <= schema::seconds::DAY as i64;
    if asked > now && !today {
        return Err(bad("as_of lies ahead: nobody knows what will be known then"));
    }
    Ok(Cow::Owned(store.as_of(u32::try_from(asked.clamp(0, now)).unwrap_or(u32::MAX))))
}
