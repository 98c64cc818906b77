//! What every answer is made from: the views, how far they are, and what is known of repositories.

use std::sync::Arc;

use clickhouse::Client;
use schema::clock::Clock;
use schema::retention::Retention;

use crate::cause_masks::SuiteMask;
use crate::change_cache::ChangeCache;
use crate::guest::Guest;
use crate::histories::place::PlaceCache;
use crate::owners::cache::OwnersCache;
use crate::owners::index::OwnerPattern;
use crate::reads::configuration_cache::ConfigurationCache;
use crate::reads::newest_uploads::NewestUploads;
use crate::reads::repository_cache::RepositoryCache;
use crate::renames::cache::RenamesCache;
use crate::run_outcomes::cache::{OutcomesCache, RosterCache};
use crate::statement_limits::StatementLimits;
use crate::suite_rules::{self, SuiteRules};
use crate::suspects::cache::NamedBranches;
use crate::test_name_cache::TestNameCache;
use crate::watermark::Watermark;

/// A repository that commits belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: String,
    /// What main, master and trunk are stored as.
    pub default_branch: String,
}

/// The views of results, and what is needed to ask them.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) configurations: ConfigurationCache,
    pub(crate) newest_uploads: NewestUploads,
    pub(crate) renames: RenamesCache,
    pub(crate) known_repositories: RepositoryCache,
    pub(crate) named_branches: NamedBranches,
    pub(crate) outcomes: OutcomesCache,
    pub(crate) rosters: RosterCache,
    pub(crate) places: PlaceCache,
    pub(crate) changes: ChangeCache,
    pub(crate) test_names: TestNameCache,
    pub(crate) owners: OwnersCache,
    pub(crate) repositories: Arc<[Repository]>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) keeps_replaced_results: bool,
    pub(crate) rules: Arc<[SuiteRules]>,
    pub(crate) owner_patterns: Arc<[OwnerPattern]>,
    /// What suites mask in patterns of messages.
    pub masks: Arc<[SuiteMask]>,
    pub(crate) guest: Option<Arc<Guest>>,
    /// Set where it is asked what was known at a time, seconds since 1970: what came later is left out.
    pub(crate) known_until: Option<u32>,
    /// How far the views are.
    pub watermark: Watermark,
    /// What time it is.
    pub clock: Clock,
}

impl Store {
    /// The views that a client reads. `repositories` are the configured ones; others become known by their commits. Runs
    /// that are over by `retention` are left out of every answer, whether the engine has dropped them yet or not.
    pub fn new(
        client: Client,
        watermark: Watermark,
        clock: Clock,
        retention: Retention,
        repositories: Vec<Repository>,
    ) -> Self {
        let configurations = ConfigurationCache::new();
        let (repositories, retention) = (repositories.into(), retention.into());
        Self {
            client,
            configurations,
            newest_uploads: NewestUploads::new(),
            renames: RenamesCache::new(),
            known_repositories: RepositoryCache::new(),
            named_branches: NamedBranches::new(),
            outcomes: OutcomesCache::new(),
            rosters: RosterCache::new(),
            places: PlaceCache::new(),
            changes: ChangeCache::new(),
            test_names: TestNameCache::new(),
            owners: OwnersCache::new(),
            repositories,
            retention,
            keeps_replaced_results: false,
            rules: Arc::default(),
            owner_patterns: Arc::default(),
            masks: Arc::default(),
            guest: None,
            known_until: None,
            watermark,
            clock,
        }
    }

    /// The same views as they were known at a time, seconds since 1970: runs that were received later are left out, and what people
    /// said later. What was replaced or taken back since is not known any more.
    ///
    /// What runs did is remembered together with the others, since no upload changes; what is put together of them is not.
    #[must_use]
    pub fn as_of(&self, time: u32) -> Self {
        Self {
            clock: Clock::standing_at(time.into()),
            known_until: Some(time),
            places: PlaceCache::new(),
            changes: ChangeCache::new(),
            renames: RenamesCache::new(),
            owners: OwnersCache::new(),
            newest_uploads: NewestUploads::new(),
            ..self.clone()
        }
    }

    /// The user as which SQL of others is asked; none where it is not answered.
    pub fn guest(&self) -> Option<&Guest> {
        self.guest.as_deref()
    }

    /// The same, where SQL of others is answered as this user.
    pub fn with_guest(self, guest: Guest) -> Self {
        Self { guest: Some(Arc::new(guest)), ..self }
    }

    /// The same, where a test's own timeline goes on to show results that a later upload of the run does not name any more.
    /// The reference does so, and no verdict does.
    pub fn keeping_replaced_results(self, keeps: bool) -> Self {
        Self { keeps_replaced_results: keeps, ..self }
    }

    /// The same, where no statement may take more than this.
    pub fn limited(self, limits: StatementLimits) -> Self {
        Self { client: limits.of(self.client), ..self }
    }

    /// The same, with thresholds of verdicts by suite; the first that is for a suite counts.
    pub fn with_rules(self, rules: Vec<SuiteRules>) -> Self {
        Self { rules: rules.into(), ..self }
    }

    /// On how many commits in a row a test of a suite fails before later passes fix something: fewer are noise.
    pub fn failures_in_a_row(&self, suite: &str) -> u32 {
        suite_rules::of_suite(&self.rules, suite).fixed_after
    }

    /// The same, with owners of tests by suite; of those that match a test the last one counts.
    pub fn with_owners(self, patterns: Vec<OwnerPattern>) -> Self {
        Self { owner_patterns: patterns.into(), ..self }
    }

    /// The same, with what suites mask in patterns of messages; all that are for a suite count, in their order.
    pub fn with_masks(self, masks: Vec<SuiteMask>) -> Self {
        Self { masks: masks.into(), ..self }
    }
}
