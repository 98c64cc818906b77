//! Which tokens may do what.

use access::{ClaimPatterns, ClaimValues, MAX_SCOPES, PolicyOptions, Scope};
use serde_json::{Map, Value};

use crate::error::IssuerError;
use crate::needs::ID_CLAIMS;

/// What tokens with certain claims may do.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Values by claim; a token has one of each.
    claims: ClaimPatterns,
    /// What is allowed.
    pub(crate) scopes: Vec<Scope>,
    /// Whether the pipelines build no change of a fork.
    pub(crate) builds_no_forks: bool,
}

impl Policy {
    /// Reads the `number`th policy of an issuer.
    pub(crate) fn new(issuer: &str, number: usize, options: &PolicyOptions) -> Result<Self, IssuerError> {
        let issuer = || issuer.to_owned();
        let count = options.scopes.len();
        if count == 0 || count > MAX_SCOPES || options.scopes.contains(&Scope::Admin) {
            return Err(IssuerError::Scopes { issuer: issuer(), number });
        }
        let claims = ClaimPatterns::new(&options.claims);
        let claims = claims.map_err(|cause| IssuerError::NoValue { issuer: issuer(), number, cause })?;
        let is_id = |(claim, values): (&String, &ClaimValues)| {
            ID_CLAIMS.contains(&claim.as_str()) && !values.texts().iter().any(|text| text.contains('*'))
        };
        let has_id = options.claims.iter().any(is_id);
        if !has_id {
            return Err(IssuerError::NoId { issuer: issuer(), number });
        }
        Ok(Self { claims, scopes: options.scopes.clone(), builds_no_forks: options.builds_no_forks })
    }

    /// The claims of a token that have other values than this asks for; none if it matches.
    pub(crate) fn mismatches(&self, claims: &Map<String, Value>) -> Vec<&str> {
        self.claims.mismatches(claims)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(toml: &str) -> Result<Policy, IssuerError> {
        Policy::new("https://ci.example.org", 1, &toml::from_str(toml).unwrap())
    }

    fn matches(policy: &Policy, claims: Value) -> bool {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        policy.mismatches(&claims).is_empty()
    }

    #[test]
    fn every_claim_has_to_have_one_of_its_values() {
        let policy = policy(
            r#"claims = { repository_id = 1234, event_name = ["push", "schedule"], job_workflow_ref = "octo/*@refs/heads/main", ref_protected = "true" }
               scopes = ["upload"]"#,
        )
        .unwrap();
        let claims = |name: &str, value: Value| {
            let mut claims = json!({
                "repository_id": "1234", "event_name": "schedule", "ref_protected": true,
                "job_workflow_ref": "octo/ci/.github/workflows/test.yml@refs/heads/main",
            });
            claims[name] = value;
            claims
        };
        for (name, value, expected) in [
            ("other", json!("x"), true),
            ("repository_id", json!(1234), true),
            ("repository_id", json!("12345"), false),
            ("repository_id", json!(1234.5), false),
            ("repository_id", json!(["1234"]), false),
            ("repository_id", json!(null), false),
            ("event_name", json!("push"), true),
            ("event_name", json!("Push"), false),
            ("event_name", json!("pull_request"), false),
            ("ref_protected", json!("true"), true),
            ("ref_protected", json!(false), false),
            ("job_workflow_ref", json!("evil/octo/x@refs/heads/main"), false),
            ("job_workflow_ref", json!("octo/x@refs/heads/main2"), false),
        ] {
            assert_eq!(matches(&policy, claims(name, value.clone())), expected, "{name}: {value}");
        }
        assert!(!matches(&policy, json!({})));
    }

    #[test]
    fn a_question_mark_stands_for_itself() {
        let policy = policy("claims = { project_id = 1, ref = 'a?c' }\nscopes = ['upload']").unwrap();
        assert!(matches(&policy, json!({"project_id": 1, "ref": "a?c"})));
        assert!(!matches(&policy, json!({"project_id": 1, "ref": "abc"})));
    }

    #[test]
    fn a_policy_without_an_id_is_refused() {
        for claims in
            ["repository = 'octo/widget'", "ref = 'refs/heads/main'", "", "repository_id = '12*'", "run_id = 7"]
        {
            let error = policy(&format!("claims = {{ {claims} }}\nscopes = ['upload']")).unwrap_err();
            assert!(matches!(error, IssuerError::NoId { number: 1, .. }), "{claims}: {error}");
            assert!(error.to_string().contains("repository_id, repository_owner_id"), "{error}");
        }
        assert!(
            policy("claims = { repository = 'octo/widget', repository_owner_id = 5 }\nscopes = ['upload']").is_ok()
        );
    }

    #[test]
    fn values_and_scopes_are_needed_and_admin_is_not_given() {
        for values in ["''", "[]", "['main', '']"] {
            let error =
                policy(&format!("claims = {{ project_id = 1, ref = {values} }}\nscopes = ['upload']")).unwrap_err();
            assert!(matches!(&error, IssuerError::NoValue { cause, .. } if cause.0 == "ref"), "{values}: {error}");
        }
        for scopes in ["[]", "['upload', 'admin']"] {
            let error = policy(&format!("claims = {{ project_id = 1 }}\nscopes = {scopes}")).unwrap_err();
            assert!(matches!(error, IssuerError::Scopes { .. }), "{scopes}: {error}");
        }
    }
}
