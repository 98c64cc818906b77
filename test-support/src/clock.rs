//! The machine's clock.

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// Now, in seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}
