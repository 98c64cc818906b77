//! Numbers as people read them.

use schema::seconds::{DAY, HOUR};

const MINUTE: u64 = 60;

/// `1 event`, `2 events`.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Bytes in the largest unit of which there is a whole one.
pub(super) fn bytes(number: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| number >> shift > 0) {
        Some((unit, shift)) => format!("{:.1} {unit}", number as f64 / (1u64 << shift) as f64),
        None => format!("{number} bytes"),
    }
}

/// Seconds in the largest unit of which there are at least two.
pub(super) fn time(seconds: u64) -> String {
    let units = [("d", DAY), ("h", HOUR), ("min", MINUTE)];
    match units.iter().find(|(_, length)| seconds >= 2 * length) {
        Some((unit, length)) => format!("{} {unit}", seconds / length),
        None => format!("{seconds} s"),
    }
}

/// Names as a list of at most five.
pub(super) fn names<T: AsRef<str>>(all: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Numbers as a list of at most five.
pub(super) fn numbers<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    names(&all.into_iter().map(|number| number.to_string()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_that_suits_them() {
        assert_eq!([bytes(12), bytes(1 << 20), bytes(3 << 29)], ["12 bytes", "1.0 MiB", "1.5 GiB"]);
        assert_eq!(
            [time(59), time(119), time(120), time(3 * HOUR), time(2 * DAY)],
            ["59 s", "119 s", "2 min", "3 h", "2 d"]
        );
        assert_eq!([count(1, "event"), count(0, "event")], ["1 event", "0 events"]);
        assert_eq!(numbers([1, 2]), "1, 2");
        assert_eq!(numbers(1..8), "1, 2, 3, 4, 5 and 2 more");
    }
}
