//! Whatever comes, nothing panics, and only what an issuer signed counts.

use std::sync::LazyLock;

use identity::{IdentityError, Issuers};
use proptest::prelude::*;

use crate::local_issuer::LocalIssuer;
use crate::signing_key::{CURVE, FIRST};
use crate::{NOW, claims, github};

/// An issuer, and a token of each algorithm.
static GIVEN: LazyLock<(LocalIssuer, Issuers, [String; 2])> = LazyLock::new(|| {
    let local = LocalIssuer::start(&[&FIRST, &CURVE]);
    let (issuers, claims) = (github(&local), claims(&local));
    (local, issuers, [FIRST.token(&claims), CURVE.token(&claims)])
});

fn check(token: &str) -> Result<(), IdentityError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(GIVEN.1.check(token, NOW)).map(|_| ())
}

#[test]
fn the_tokens_that_are_changed_below_count() {
    for token in &GIVEN.2 {
        assert_eq!(check(token), Ok(()));
    }
}

#[test]
fn no_error_holds_a_part_of_the_token() {
    for token in &GIVEN.2 {
        let parts: Vec<&str> = token.split('.').collect();
        for changed in [format!("{token}A"), token.replace('.', "!"), format!("{}.{}.AAAA", parts[0], parts[1])] {
            let error = check(&changed).unwrap_err();
            assert!(parts.iter().all(|part| !format!("{error} {error:?}").contains(part)), "{error}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_is_a_token(text in "\\PC{0,200}") {
        prop_assert!(check(&text).is_err());
        prop_assert!(check(&text.replace(' ', ".")).is_err());
    }

    #[test]
    fn a_token_with_one_other_character_does_not_count(which in 0..2usize, place: prop::sample::Index, other in "[A-Za-z0-9_.=-]") {
        let token = &GIVEN.2[which];
        let place = place.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(place..=place, &other);
        prop_assert_eq!(check(&changed).is_ok(), changed == *token, "{}", changed);
        prop_assert!(check(&token[..place]).is_err());
    }
}
