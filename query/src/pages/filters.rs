//! Filters that a page hands on, so that nothing that was asked is lost on the way: fields of its own form, and queries of
//! its links to pages about the same runs.

use minijinja::{Value, context};
use schema::commit::{DEFAULT_BRANCH_KEY, branch_key};

use super::label_fields::{self, numbered};
use crate::error::ApiError;
use crate::parameters::{Parameters, chooses_configurations};
use crate::service::Service;

/// Filters that are no members of configurations.
const OTHERS: [&str; 2] = ["branch", "recent"];
/// The names that a reader knows of what can be filtered by, in the order of their fields.
const LABELLED: [(&str, &str); 9] = [
    ("platform", "Platform"),
    ("version", "Version"),
    ("version_name", "Name of version"),
    ("architecture", "Architecture"),
    ("model", "Model"),
    ("style", "Style"),
    ("flavor", "Flavor"),
    ("sdk", "SDK"),
    ("branch", "Branch"),
];
/// Filters that a form keeps without showing them: they are no texts to type.
const KEPT: [&str; 2] = ["is_simulator", "recent"];

/// What a form has beside the filters that were asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a> {
    /// Filters that have a field in any case.
    pub(super) always: &'a [&'a str],
    /// Parameters of the page alone that the form keeps without showing them.
    pub(super) kept: &'a [&'a str],
}

impl<'a> Form<'a> {
    /// The usual form, in which a platform can be chosen.
    pub(super) fn keeping(kept: &'a [&'a str]) -> Self {
        Self { always: &["platform"], kept }
    }
}

fn is_filter(name: &str) -> bool {
    OTHERS.contains(&name) || chooses_configurations(name)
}

/// What a template needs: `fields` and `labels` of a form, and `kept`, what the form sends unseen; for links `query`, all filters,
/// `rest`, those beside the members of a configuration, and `population`, those that a population of runs has; and `branch`, whose
/// commits are listed.
pub(super) async fn of_suite(
    service: &Service,
    parameters: &Parameters,
    suite: &str,
    form: Form<'_>,
) -> Result<Value, ApiError> {
    let labels = label_fields::of_suite(service, parameters, suite).await?;
    Ok(context! { labels, ..of(parameters, form) })
}

/// The same without fields of labels.
pub(super) fn of(parameters: &Parameters, form: Form<'_>) -> Value {
    let fields: Vec<Value> = LABELLED.iter().flat_map(|(name, label)| fields(parameters, name, label, form)).collect();
    let is_kept = |name: &str| KEPT.contains(&name) || form.kept.contains(&name);
    let kept: Vec<(&str, &str)> = parameters.pairs().filter(|(name, _)| is_kept(name)).collect();
    context! {
        fields, kept, query => query(parameters, is_filter), rest => query(parameters, |name| OTHERS.contains(&name)),
        population => query(parameters, |name| is_filter(name) && name != "recent"),
        branch => own_branch(parameters.chosen("branch")),
    }
}

/// The branch whose commits are those of runs on a branch; none where these are on the default branches, of whatever names.
pub(super) fn own_branch(branch: Option<&str>) -> Option<&str> {
    Some(branch_key(branch)).filter(|key| *key != DEFAULT_BRANCH_KEY)
}

/// All filters with their values, for a form that shows none of them.
pub(super) fn all(parameters: &Parameters) -> Vec<(&str, &str)> {
    parameters.pairs().filter(|(name, _)| is_filter(name)).collect()
}

/// Members of configurations but these that some parameters choose, each once; labels too.
pub(super) fn members_beside<'a>(parameters: &'a Parameters, prefix: &str, shown: &[&str]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for (name, _) in parameters.pairs() {
        let name = name.strip_prefix(prefix).unwrap_or(name);
        if chooses_configurations(name) && !shown.contains(&name) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// What a reader knows a parameter by.
pub(super) fn label(name: &str) -> &str {
    LABELLED.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| label)
}

/// A field for each value of a parameter, and one without a value where the form always has it.
fn fields(parameters: &Parameters, name: &str, label: &str, form: Form<'_>) -> Vec<Value> {
    let mut values: Vec<&str> = parameters.all(name).filter(|value| !value.is_empty()).collect();
    if values.is_empty() && form.always.contains(&name) {
        values.push("");
    }
    let placeholder = if name == "branch" { "default" } else { "any" };
    let field = |(index, value): (usize, &str)| {
        let id = numbered(name, index);
        context! { id, name, label, value, placeholder }
    };
    values.into_iter().enumerate().map(field).collect()
}

fn query(parameters: &Parameters, is_meant: impl Fn(&str) -> bool) -> String {
    let meant = parameters.pairs().filter(|(name, value)| is_meant(name) && !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(meant).finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parameters::{ANY_LABEL, CONFIGURATION};

    fn read(query: &str) -> Parameters {
        let own: &[&str] = &["suite", "weeks", "branch", "recent", "as_of"];
        Parameters::filled(Some(query), &[&CONFIGURATION, own]).unwrap()
    }

    fn told(value: &Value, member: &str) -> String {
        value.get_attr(member).unwrap().to_string()
    }

    #[test]
    fn links_carry_every_filter_and_nothing_else() {
        let all = "platform=mac&platform=ios&style=Debug&label.job=a%26b&is_simulator=false&branch=next&recent=false";
        let filters = of(&read(&format!("suite=s&weeks=1&{all}")), Form::keeping(&[]));
        assert_eq!(told(&filters, "query"), all);
        assert_eq!(told(&filters, "rest"), "branch=next&recent=false");
        assert_eq!(told(&of(&read("suite=s"), Form::keeping(&[])), "query"), "");
    }

    #[test]
    fn a_form_has_every_filter_that_was_asked() {
        for name in CONFIGURATION.iter().chain(&OTHERS).filter(|name| **name != ANY_LABEL) {
            let value = if KEPT.contains(name) { "false" } else { "1" };
            let filters = of(&read(&format!("{name}={value}")), Form::keeping(&[]));
            let shown = told(&filters, "fields") + &told(&filters, "kept");
            assert!(shown.contains(&format!("\"{name}\"")), "{name}: {shown}");
        }
        let several = told(&of(&read("platform=mac&platform=ios"), Form::keeping(&[])), "fields");
        assert!(several.contains("\"platform-2\"") && several.contains("\"ios\""), "{several}");
        assert!(told(&of(&read(""), Form::keeping(&[])), "fields").contains("\"platform\""));
        assert!(told(&of(&read("as_of=7"), Form::keeping(&["as_of"])), "kept").contains("as_of"));
        let beside = read("style=Debug&label.job=a&label.job=b&platform=mac");
        assert_eq!(members_beside(&beside, "base_", &["platform"]), ["style", "label.job"]);
    }
}
