//! How long the attempts of a test took, as its result lists them.

use serde::Deserialize;
use serde_json::Value;

/// An attempt takes no longer than a result can, milliseconds: the sum of what an upload says does not overflow.
pub const MAX_TIME: u64 = 999_999_999;

/// What the attempts took together that are listed among the other members of a result, milliseconds. An attempt that nobody
/// measured took nothing; where none is listed, all of them did.
pub fn time(extra: &str) -> u64 {
    #[derive(Deserialize)]
    struct Members {
        attempts: Option<Value>,
    }
    if !extra.contains("\"attempts\"") {
        return 0;
    }
    let members = serde_json::from_str::<Members>(extra).ok();
    let Some(Value::Array(attempts)) = members.and_then(|members| members.attempts) else { return 0 };
    let time = |attempt: &Value| {
        let time = attempt.get("time")?;
        // The cast saturates.
        time.as_u64().or(time.as_f64().map(|time| time as u64))
    };
    let times = attempts.iter().map(|attempt| time(attempt).unwrap_or(0).min(MAX_TIME));
    times.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_all_attempts_count_and_whatever_is_none_does_not() {
        for (extra, expected) in [
            (r#"{"attempts":[{"state":"TEXT","time":1000},{"state":"PASS","time":20}],"log":"a"}"#, 1020),
            (r#"{"attempts":[{"state":"TEXT"},{"time":7},{"time":-1},{"time":1.5},{"time":"5"},{"time":null},3]}"#, 8),
            (r#"{"attempts":[{"time":18446744073709551615},{"time":1}]}"#, MAX_TIME + 1),
            (r#"{"attempts":{"time":3}}"#, 0),
            (r#"{"attempts":null}"#, 0),
            (r#"{"log":"\"attempts\":[{\"time\":3}]"}"#, 0),
            ("", 0),
        ] {
            assert_eq!(time(extra), expected, "{extra}");
        }
    }
}
