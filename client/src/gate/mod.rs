//! `gate`: uploads the run of a change, asks the server which failures are known, and succeeds only if none is new.

mod comment;
pub(crate) mod forge;
pub(crate) mod summary;
mod verdicts;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use schema::commit::branch_key;

use crate::collect::{MAX_FAILURES, Reports, RunDocument};
use crate::context::RunContext;
use crate::environment::Environment;
use crate::git;
use crate::options::RunOptions;
use crate::server::Server;
use crate::upload::{self, Sent};
pub(crate) use forge::Forge;
use summary::GateSummary;
use verdicts::Question;

/// Arguments of `gate`.
#[derive(Args, Debug)]
pub struct GateArgs {
    /// Reports: files, patterns, folders, archives (.gz, .zip), or - for standard input; together they are one run.
    #[arg(value_name = "FILE", required_unless_present = "exit_code")]
    pub files: Vec<String>,

    #[command(flatten)]
    pub(crate) run: RunOptions,

    /// What the test command ended with. A run that ended with an error is not green, whatever its reports say.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub exit_code: Option<i32>,

    #[command(flatten)]
    pub(crate) gate: GateOptions,
}

/// How failures are judged.
#[derive(Args, Debug)]
pub struct GateOptions {
    /// The commit that the change is based on; what the CI says without it.
    #[arg(long, value_name = "COMMIT")]
    pub base: Option<String>,

    /// The branch that the change is for; the repository's default branch without it.
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,

    /// Let tests pass of which the server knows too little to say whether their failure is new, and a run without a failure
    /// that has too few of the suite's tests to be compared.
    #[arg(long)]
    pub allow_unknown: bool,

    /// Keep one comment at the change that says what the gate found. The token comes from GITHUB_TOKEN, or from
    /// GITLAB_TOKEN or CI_JOB_TOKEN.
    #[arg(long, value_enum, value_name = "FORGE")]
    pub comment: Option<Forge>,
}

impl GateArgs {
    /// Uploads the run and judges it. The code is 0 if nothing is new.
    ///
    /// # Errors
    /// The run cannot be read or is not taken.
    pub(crate) fn run(&self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let mut context = RunContext::of(&self.run, environment)?;
        prepare(&mut context, &self.gate)?;
        context.head.run.exit_code = self.exit_code;
        let server = self.run.server.server()?;
        let reports = Reports::named(&self.files)?;
        let mut document = reports.write(context.head.clone(), self.run.reading.options())?;
        document.tell_errors();
        let passes = judge(&self.run, &self.gate, environment, &server, &context, &mut document)?;
        Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What is gated belongs to a change: on the branch, its failures would be known by the next run. The run says which commit
/// its change is based on, so that whoever looks at the change later goes by the same.
///
/// # Errors
/// The run would be uploaded to the default branch.
pub(crate) fn prepare(context: &mut RunContext, gate: &GateOptions) -> anyhow::Result<()> {
    let branch = context.head.commits.first().and_then(|commit| commit["branch"].as_str());
    if context.head.change.is_none() && branch_key(branch) == branch_key(None) {
        bail!("the change is not known, and a branch of the repository is checked out: give --change ID");
    }
    if let Some(base) = &gate.base {
        // Servers know hashes, and not what a checkout calls them.
        context.base = Some(git::commit(base).map_or_else(|| base.clone(), |commit| commit.hash));
    }
    if let Some(change) = &mut context.head.change {
        change.base.clone_from(&context.base);
    }
    Ok(())
}

/// Uploads a run, says what is known of its failures, and whether it passes.
///
/// # Errors
/// The run is not taken.
pub(crate) fn judge(
    options: &RunOptions,
    gate: &GateOptions,
    environment: &Environment,
    server: &Server,
    context: &RunContext,
    document: &mut RunDocument,
) -> anyhow::Result<bool> {
    let sent = upload::send(options, environment, server, context, document)?;
    let found = match &sent {
        Sent::Uploaded => ask(gate, server, context, document),
        Sent::Waiting(reason) => GateSummary::unanswered(document, context.head.run.exit_code, reason),
    };
    let found = found.with_problems(&document.written.problems);
    let summary = upload::summary(context, document, server.url(), &sent, Some(&found));
    upload::tell(&(upload::text(&summary) + &found.text()));
    if let Some(file) = &options.summary {
        summary.write(file)?;
    }
    if let Some(forge) = gate.comment
        && let Err(error) = forge::publish(forge, environment, context, &summary.markdown())
    {
        eprintln!("the comment is not written: {error:#}");
    }
    Ok(found.passes(gate.allow_unknown))
}

/// What the server knows of the failures.
fn ask(gate: &GateOptions, server: &Server, context: &RunContext, document: &RunDocument) -> GateSummary {
    if document.failed > MAX_FAILURES as u64 {
        return GateSummary::too_many(document.failed);
    }
    let question = Question { context, target: gate.target.as_deref(), base: context.base.as_deref(), document };
    match verdicts::ask(server, &question).context("the server says nothing of the failures") {
        Ok(found) => found,
        Err(error) => GateSummary::unanswered(document, context.head.run.exit_code, &format!("{error:#}")),
    }
}
