//! `import`: brings commits and uploads over from a running resultsdbpy, or from another resultsdb, by its HTTP API.
//!
//! Data flow: `source` asks for what there is; commits are registered first, all branches of each repository; then each
//! `partition` (suite, configuration and branch) is walked in windows of commits, from the oldest to the newest, and its
//! uploads are posted as they came. `state` remembers how far each walk got, so that an import that was broken off goes on
//! and one that is repeated brings what came since. A run that is posted again replaces itself.

mod partition;
mod source;
mod state;
mod window;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;

use crate::delivery::new_key;
use crate::options::ServerOptions;
use crate::progress::Progress;
use crate::register;
use crate::server::{RequestError, Server};
use partition::Partition;
use source::{Source, Upload};
use state::State;
use window::Windows;

/// Commits and their runs may come with clocks that are ahead, seconds.
const AHEAD: u64 = 24 * 3600;
/// uuids of commits in a second.
const ORDERS: u64 = schema::commit::ORDERS.unsigned_abs();

/// The environment variable that holds the key of the server that has the results.
const FROM_KEY_VARIABLE: &str = "RESULTSDB_FROM_KEY";

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Address of the server that has the results. If it asks for a key, the environment variable RESULTSDB_FROM_KEY is it.
    #[arg(long, value_name = "URL")]
    pub from: String,

    #[command(flatten)]
    pub(crate) server: ServerOptions,

    /// A suite to import; all without it. It may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    pub suite: Vec<String>,

    /// A branch to import; all without it. It may be repeated.
    #[arg(long)]
    pub branch: Vec<String>,

    /// An architecture that resultsdbpy is asked for beside the usual ones: it does not list configurations that ran long ago
    /// unless it is asked for a member of theirs. It may be repeated.
    #[arg(long)]
    pub architecture: Vec<String>,

    /// Import archives, too: one more question for each run.
    #[arg(long)]
    pub archives: bool,

    /// The file that remembers how far the import is.
    #[arg(long, value_name = "FILE", default_value = "resultsdb-import.json")]
    pub state: PathBuf,

    /// How many uploads are on their way at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
}

/// What was brought over.
#[derive(Debug, Default)]
struct Counts {
    uploads: AtomicU64,
    archives: AtomicU64,
    refused: AtomicU64,
}

impl ImportArgs {
    /// Imports, and says what was brought over.
    ///
    /// # Errors
    /// A server is away or answers what cannot be read, or the state cannot be kept. What was brought over until then is
    /// remembered.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let source = Server::new(&self.from, self.server.tries)?.with_tls(self.server.trust.tls()?);
        let source = source.with_key(std::env::var(FROM_KEY_VARIABLE).ok())?;
        let source = Source::new(source, &self.architecture);
        let target = self.server.server()?;
        if source.url() == target.url() {
            bail!("--from and --url are the same server");
        }
        let state = Mutex::new(State::open(&self.state, source.url(), target.url())?);
        let commits = self.import_commits(&source, &target)?;
        let counts = self.import_uploads(&source, &target, &state, commits.oldest)?;
        lock(&state).finish()?;
        let [uploads, archives, refused] =
            [&counts.uploads, &counts.archives, &counts.refused].map(|count| count.load(Ordering::Relaxed));
        let (commits, uploads) = (counted(commits.count, "commit"), counted(uploads, "upload"));
        let what = match self.archives {
            true => format!("{commits}, {uploads} and {}", counted(archives, "archive")),
            false => format!("{commits} and {uploads}"),
        };
        println!("imported {what} from {}", source.url());
        if refused > 0 {
            println!("{} refused {refused} of them; each is told of above", target.url());
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn import_commits(&self, source: &Source, target: &Server) -> anyhow::Result<Commits> {
        let progress = Progress::counting("commits");
        let (count, mut oldest) = (AtomicU64::new(0), None);
        let registered = || {
            count.fetch_add(1, Ordering::Relaxed);
            progress.advance(1);
        };
        register::all(target, &registered, |send| {
            for (repository, branches) in source.branches()? {
                for branch in branches.iter().filter(|branch| self.wants_branch(branch)) {
                    source.commits(&repository, branch, &mut |commit| {
                        let uuid = commit.commit.uuid();
                        oldest = Some(oldest.map_or(uuid, |oldest: u64| oldest.min(uuid)));
                        let name = format!("{} of {repository}", commit.commit.short_name());
                        send(name, commit.json.get().as_bytes().to_vec())
                    })?;
                }
            }
            Ok(())
        })?;
        progress.finish();
        Ok(Commits { count: count.into_inner(), oldest })
    }

    fn wants_branch(&self, branch: &str) -> bool {
        self.branch.is_empty() || self.branch.iter().any(|wanted| wanted == branch)
    }

    fn import_uploads(
        &self,
        source: &Source,
        target: &Server,
        state: &Mutex<State>,
        oldest: Option<u64>,
    ) -> anyhow::Result<Counts> {
        let counts = Counts::default();
        // Without a commit there is no run.
        let Some(oldest) = oldest else { return Ok(counts) };
        let branches: Vec<String> = source.branches()?.into_values().flatten().collect();
        let mut partitions = VecDeque::from(source.partitions(branches.iter().filter(|name| self.wants_branch(name)))?);
        partitions.retain(|partition| self.suite.is_empty() || self.suite.contains(&partition.suite));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
        let end = (now + AHEAD) * ORDERS;
        let progress = Progress::partitions(partitions.len() as u64);
        // Nothing that is imported holds it.
        let boundary = new_key()?;
        let archives = self.archives.then_some(boundary.as_str());
        let walk = Walk { source, target, state, counts: &counts, progress: &progress, archives };
        let waiting = Mutex::new(partitions);
        let next = || lock(&waiting).pop_front();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel)
                .map(|_| {
                    scope.spawn(|| {
                        while let Some(partition) = next() {
                            let walked = walk.partition(&partition, oldest, end);
                            if walked.is_err() {
                                // The others end after what they are at.
                                lock(&waiting).clear();
                            }
                            walked?;
                            progress.advance(1);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(walked) => walked,
                Err(_) => bail!("a worker panicked"),
            })
        })?;
        progress.finish();
        Ok(counts)
    }
}

/// What was registered.
#[derive(Debug)]
struct Commits {
    count: u64,
    /// The smallest uuid.
    oldest: Option<u64>,
}

/// What all partitions' walks share.
struct Walk<'w> {
    source: &'w Source,
    target: &'w Server,
    state: &'w Mutex<State>,
    counts: &'w Counts,
    progress: &'w Progress,
    /// The boundary of archives' forms; none where archives stay where they are.
    archives: Option<&'w str>,
}

impl Walk<'_> {
    /// Brings the uploads of one partition over, from where the last import got to.
    fn partition(&self, partition: &Partition, oldest: u64, end: u64) -> anyhow::Result<()> {
        // An import with archives does not go on where one without them got to.
        let key = partition.query() + if self.archives.is_some() { " with archives" } else { "" };
        let begin = lock(self.state).next(&key).unwrap_or(oldest).max(oldest);
        let mut windows = Windows::new(begin, end);
        while let Some(window) = windows.next() {
            let uploads = self.source.uploads(partition, &window)?;
            if !windows.holds(uploads.len()) {
                continue;
            }
            for upload in &uploads {
                self.upload(partition, upload)?;
            }
            lock(self.state).reached(&key, window.last + 1)?;
        }
        Ok(())
    }

    fn upload(&self, partition: &Partition, upload: &Upload) -> anyhow::Result<()> {
        let body = upload.json.get().as_bytes();
        if !self.taken(partition, upload, self.target.post_json("/api/upload", body))? {
            return Ok(());
        }
        self.counts.uploads.fetch_add(1, Ordering::Relaxed);
        self.progress.tell(format!("{} uploads", self.counts.uploads.load(Ordering::Relaxed)));
        let Some(boundary) = self.archives else { return Ok(()) };
        let Some(archive) = self.source.archive(partition, upload)? else { return Ok(()) };
        if self.taken(partition, upload, upload.send_archive(self.target, &archive, boundary))? {
            self.counts.archives.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether the server took it. What it refuses is told of and passed over, since sending it again does not help.
    fn taken(&self, partition: &Partition, upload: &Upload, posted: Result<(), RequestError>) -> anyhow::Result<bool> {
        match posted {
            Ok(()) => Ok(true),
            Err(refused @ RequestError::Refused { .. }) => {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                eprintln!("{partition}, commit {}, started {}: {refused}", upload.uuid, upload.timestamp);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
