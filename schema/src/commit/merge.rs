//! One commit from several registrations: what is known of it is joined, and nobody who knows less takes anything away.

use super::{Author, Commit};

impl Commit {
    /// Whether this and another registration of the same place (repository, branch, second) are of one commit; none if
    /// neither says enough to tell.
    ///
    /// Hashes decide, of which one may be a shortened form of the other; then revisions; then identifiers.
    pub fn is_same(&self, other: &Self) -> Option<bool> {
        if let (Some(own), Some(others)) = (&self.hash, &other.hash) {
            return Some(own.starts_with(others.as_str()) || others.starts_with(own.as_str()));
        }
        if let (Some(own), Some(others)) = (self.revision, other.revision) {
            return Some(own == others);
        }
        Some(self.identifier.as_ref()? == other.identifier.as_ref()?)
    }

    /// The commits of one place (repository, branch, uuid) from all registrations of it, given oldest first.
    ///
    /// Each member of a commit is the one that was registered last. There is more than one commit where registrations
    /// contradict each other, which happens if two intakes give one place away at the same moment; the one that was
    /// registered last comes last.
    pub fn merged(registrations: impl DoubleEndedIterator<Item = Self>) -> Vec<Self> {
        let mut commits: Vec<Self> = Vec::new();
        for older in registrations.rev() {
            match position_of(&commits, &older) {
                Some(position) => commits[position].learn(older),
                None => commits.push(older),
            }
        }
        commits.reverse();
        commits
    }

    /// Takes over what an older registration of the same commit knows and this one does not.
    fn learn(&mut self, older: Self) {
        self.hash = match (self.hash.take(), older.hash) {
            (Some(own), Some(others)) if others.len() > own.len() => Some(others),
            (own, others) => own.or(others),
        };
        self.revision = self.revision.or(older.revision);
        self.identifier = self.identifier.take().or(older.identifier);
        self.message = self.message.take().or(older.message);
        self.author = match (self.author.take(), older.author) {
            (Some(own), Some(others)) if own.emails.is_empty() && own.name == others.name => Some(others),
            (own, others) => own.or(others),
        };
    }
}

/// Which of these commits, all of one repository, branch and second, a registration is of: one that is surely the same
/// before one that it does not contradict; none if it is of another.
pub fn position_of(commits: &[Commit], registration: &Commit) -> Option<usize> {
    let answers = || commits.iter().map(|commit| commit.is_same(registration));
    answers().position(|is_same| is_same == Some(true)).or_else(|| answers().position(|is_same| is_same.is_none()))
}

impl Author {
    /// An author of whom only the name is known.
    #[cfg(test)]
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), emails: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn commit(hash: Option<&str>) -> Commit {
        Commit {
            repository_id: "webkit".into(),
            branch: "main".into(),
            timestamp: 1_700_000_000,
            order: 0,
            hash: hash.map(str::to_owned),
            revision: None,
            identifier: None,
            message: None,
            author: None,
        }
    }

    fn full(hash: &str) -> Commit {
        Commit {
            revision: Some(300_000),
            identifier: Some("1000@main".into()),
            message: Some("Make it faster".into()),
            author: Some(Author { name: "Ada".into(), emails: vec!["ada@example.org".into()] }),
            ..commit(Some(hash))
        }
    }

    #[test]
    fn who_knows_less_takes_nothing_away() {
        for less in [commit(Some("ab12")), commit(Some("ab1234")), commit(None)] {
            let less = Commit { author: Some(Author::named("Ada")), ..less };
            assert_eq!(Commit::merged([full("ab1234"), less.clone()].into_iter()), [full("ab1234")]);
            assert_eq!(Commit::merged([less, full("ab1234")].into_iter()), [full("ab1234")]);
        }
    }

    #[test]
    fn what_is_given_anew_replaces() {
        let anew = Commit {
            identifier: Some("1001@main".into()),
            message: Some("Make it right".into()),
            author: Some(Author::named("Grace")),
            ..commit(Some("ab"))
        };
        let merged = Commit::merged([full("ab"), anew.clone(), commit(Some("ab"))].into_iter());
        assert_eq!(merged, [Commit { revision: Some(300_000), ..anew }]);
    }

    #[test]
    fn another_hash_is_another_commit() {
        let merged = Commit::merged([full("ab"), commit(Some("cd")), full("ab")].into_iter());
        assert_eq!(merged, [commit(Some("cd")), full("ab")]);
        let revision = |number| Commit { revision: Some(number), ..commit(None) };
        assert_eq!(Commit::merged([revision(1), revision(2)].into_iter()), [revision(1), revision(2)]);
        let identifier = |name: &str| Commit { identifier: Some(name.into()), ..commit(None) };
        assert_eq!(Commit::merged([identifier("1@main"), identifier("2@main")].into_iter()).len(), 2);
        assert_eq!(Commit::merged([revision(1), identifier("1@main")].into_iter()).len(), 1);
    }

    #[test]
    fn a_sure_match_comes_before_a_possible_one() {
        let numbered = Commit { revision: Some(2), ..commit(Some("cd")) };
        let commits = [commit(Some("ab")), numbered];
        let by_revision = |number| Commit { revision: Some(number), ..commit(None) };
        assert_eq!(position_of(&commits, &by_revision(2)), Some(1));
        assert_eq!(position_of(&commits, &by_revision(3)), Some(0));
        assert_eq!(position_of(&commits, &commit(Some("ef"))), None);
    }

    proptest! {
        #[test]
        fn nothing_known_is_lost(said in prop::collection::vec(
            (prop::option::of("(ab|cd)"), prop::option::of(1i64..3), prop::option::of("[12]@main"), prop::option::of("[xy]")),
            1..6,
        )) {
            let registrations: Vec<Commit> = said
                .iter()
                .map(|(hash, revision, identifier, message)| Commit {
                    revision: *revision,
                    identifier: identifier.clone(),
                    message: message.clone(),
                    ..commit(hash.as_deref())
                })
                .collect();
            let merged = Commit::merged(registrations.iter().cloned());
            for registration in &registrations {
                prop_assert!(merged.iter().any(|commit| commit.is_same(registration) != Some(false)));
                for name in registration.hash.iter() {
                    prop_assert!(merged.iter().any(|commit| commit.hash.as_ref() == Some(name)));
                }
            }
            if let Some(last) = registrations.last() {
                prop_assert!(merged.last().is_some_and(|commit| commit.is_same(last) != Some(false)));
            }
            // A repetition of what was said last changes nothing.
            let again = registrations.iter().chain(registrations.last()).cloned().collect::<Vec<_>>();
            prop_assert_eq!(Commit::merged(again.into_iter()), merged);
        }
    }
}
