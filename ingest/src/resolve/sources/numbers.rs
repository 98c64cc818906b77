//! The numbers that commits have on their branch, and their order among commits of the same second.

use schema::commit::{Author, Commit};

use super::host::{Host, ListStart, ListedCommit, Result, SourceError};

/// The highest order of a commit among those of the same second; a uuid has no room for more.
const MAX_ORDER: usize = 99;
/// Commits that are listed at one time, the most that GitHub and GitLab answer.
pub(super) const PAGE: u32 = 100;

/// A commit's place on a branch.
pub(super) struct Place {
    /// The commit's hash; none means the tip of the branch.
    pub(super) next: Option<String>,
    /// Number of the commit at the branch point; none on the default branch.
    base: Option<u64>,
    /// How many commits there are from the root or branch point up to here.
    pub(super) number: u64,
}

impl Place {
    pub(super) fn identifier(&self, branch: &str) -> String {
        match self.base {
            None => format!("{}@{branch}", self.number),
            Some(base) => format!("{base}.{}@{branch}", self.number),
        }
    }
}

/// Numbers the commits of one repository: an identifier counts commits from the root or the branch point.
pub(super) struct BranchNumbers<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) repository_id: &'a str,
    pub(super) default_branch: &'a str,
}

impl BranchNumbers<'_> {
    fn base(&self, branch: &str, hash: &str) -> Result<Option<u64>> {
        if branch == self.default_branch {
            return Ok(None);
        }
        let point = self.host.branch_point(hash, self.default_branch)?;
        self.host.count(ListStart::Hash(&point)).map(Some)
    }

    /// The tip of a branch.
    pub(super) fn tip(&self, branch: &str) -> Result<Place> {
        let unknown = || SourceError::Unknown(branch.to_owned(), self.host.place());
        let tip = self.host.list(ListStart::Branch(branch), 1, 1)?.into_iter().next().ok_or_else(unknown)?;
        let base = self.base(branch, &tip.hash)?;
        let number = self.host.count(ListStart::Hash(&tip.hash))? - base.unwrap_or(0);
        Ok(Place { next: Some(tip.hash), base, number })
    }

    /// The place of a commit's first parent.
    pub(super) fn before(&self, place: &Place, commit: &ListedCommit) -> Result<Place> {
        let number = match commit.parents.as_slice() {
            [] => 0,
            [_] => place.number - 1,
            [first, ..] => self.host.count(ListStart::Hash(first))?.saturating_sub(place.base.unwrap_or(0)),
        };
        Ok(Place { next: commit.parents.first().cloned(), base: place.base, number })
    }

    /// The commit of a full hash.
    pub(super) fn by_hash(&self, hash: &str) -> Result<Commit> {
        let unknown = || SourceError::Unknown(hash.to_owned(), self.host.place());
        let listed = self.host.list(ListStart::Hash(hash), PAGE, 1)?;
        let commit = listed.first().filter(|commit| commit.hash == hash).ok_or_else(unknown)?;
        let branch = self.host.branch_of(hash, self.default_branch)?.ok_or_else(unknown)?;
        let base = self.base(&branch, hash)?;
        let number = self.host.count(ListStart::Hash(hash))?.saturating_sub(base.unwrap_or(0));
        let place = Place { next: None, base, number };
        let mut order = 0;
        let mut parent = commit.parents.first();
        for older in &listed[1..] {
            if parent == Some(&older.hash) {
                if older.timestamp != commit.timestamp {
                    break;
                }
                order += 1;
                parent = older.parents.first();
            }
        }
        Ok(self.commit(commit.clone(), place.identifier(&branch), &branch, order))
    }

    /// Hands commits of one second to `each`, newest first, and empties the list.
    pub(super) fn hand_out<E>(
        &self,
        second: &mut Vec<(ListedCommit, String)>,
        branch: &str,
        each: &mut impl FnMut(Commit) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let older = second.len();
        for (index, (commit, identifier)) in second.drain(..).enumerate() {
            each(self.commit(commit, identifier, branch, older - index - 1))?;
        }
        Ok(())
    }

    fn commit(&self, listed: ListedCommit, identifier: String, branch: &str, order: usize) -> Commit {
        let name = if listed.author.is_empty() { listed.email.clone() } else { listed.author };
        let emails = if listed.email.is_empty() { Vec::new() } else { vec![listed.email] };
        Commit {
            repository_id: self.repository_id.to_owned(),
            branch: branch.to_owned(),
            timestamp: listed.timestamp,
            order: order.min(MAX_ORDER) as i64,
            hash: Some(listed.hash),
            revision: None,
            identifier: Some(identifier),
            message: Some(listed.message.trim_end().to_owned()).filter(|message| !message.is_empty()),
            author: Some(Author { name, emails }).filter(|author| !author.name.is_empty()),
        }
    }
}
