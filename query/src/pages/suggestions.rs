//! Did you mean: the names most like one that is not there.

/// Likeness from which a name is worth naming, from 0 to 1.
const LIKE: f64 = 0.75;
/// Names that are offered.
const OFFERED: usize = 3;
/// Longer names are not compared: the time grows with the product of both lengths.
const MAX_LENGTH: usize = 200;

/// The names most like a text, the likest first.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = text.to_lowercase();
    if wanted.is_empty() || wanted.len() > MAX_LENGTH {
        return Vec::new();
    }
    let likeness = |name: &str| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    let short = names.into_iter().filter(|name| name.len() <= MAX_LENGTH);
    let mut found: Vec<(f64, &str)> =
        short.map(|name| (likeness(name), name)).filter(|(like, _)| *like >= LIKE).collect();
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let names = ["layout-tests", "api-tests", "javascriptcore-tests"];
        assert_eq!(nearest("layout-test", names).first(), Some(&"layout-tests"));
        assert_eq!(nearest("Layuot-Tests", names).first(), Some(&"layout-tests"));
        assert!(nearest("zzz", names).is_empty() && nearest("", names).is_empty());
        assert!(nearest(&"layout".repeat(100), names).is_empty());
    }
}
