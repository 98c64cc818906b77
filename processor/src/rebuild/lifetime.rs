//! Which rows of a table are not over, by the TTL that the engine says it has.

/// The condition that holds for rows that are kept beyond a time, seconds since 1970; none for a table that keeps all. The
/// engine's definition of the table is spelled as `system.tables` has it.
pub(super) fn condition(engine_full: &str, time: u64) -> Option<String> {
    let (_, ttl) = engine_full.split_once(" TTL ")?;
    let ttl = ttl.split_once(" SETTINGS ").map_or(ttl, |(ttl, _)| ttl);
    let kept = |rule: &str| match rule.split_once(" WHERE ") {
        Some((end, rows)) => format!("(NOT ({rows}) OR {end} > toDateTime({time}))"),
        None => format!("{end} > toDateTime({time})", end = rule),
    };
    Some(rules(ttl).map(kept).collect::<Vec<_>>().join(" AND "))
}

/// The parts of a list that are divided by commas outside of parentheses.
fn rules(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    list.split(move |letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::condition;

    #[test]
    fn rows_are_kept_while_no_rule_ends_them() {
        let of = |ttl: &str| condition(&format!("ReplacingMergeTree(version) ORDER BY (a, b){ttl} SETTINGS x = 1"), 7);
        assert_eq!(of(""), None);
        assert_eq!(
            of(" TTL toDateTime(intDiv(uuid, 100), 'UTC') + toIntervalDay(56)").as_deref(),
            Some("toDateTime(intDiv(uuid, 100), 'UTC') + toIntervalDay(56) > toDateTime(7)")
        );
        assert_eq!(
            of(" TTL toDateTime(a) + toIntervalDay(90) WHERE f = 1, toDateTime(a) + toIntervalDay(9) WHERE f = 0")
                .as_deref(),
            Some(
                "(NOT (f = 1) OR toDateTime(a) + toIntervalDay(90) > toDateTime(7)) AND \
                 (NOT (f = 0) OR toDateTime(a) + toIntervalDay(9) > toDateTime(7))"
            )
        );
    }
}
