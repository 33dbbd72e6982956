//! Follows the credentials of a call back to where they came from: a person, a CI job, a service, a static key.
//! It reads AssumeRole* records only, and says where they are missing instead of guessing.
//! Used by `actor`. Source: the `userIdentity` element in the CloudTrail user guide.

use super::calls::Calls;
use super::signatures::service;
use super::{Link, Origin, OriginKind};
use crate::model::{Event, Identity, Text, WebIdentity};

/// A session may assume a role that assumes a role; AWS sets no limit, sanity does.
const LONGEST: usize = 16;

/// The links from the caller of the event at `index` back to the origin, and the origin.
pub(super) fn walk(calls: &Calls<'_>, index: usize) -> (Vec<Link>, Option<Origin>) {
    let Some(mut event) = calls.timeline.events.get(index) else {
        return (Vec::new(), None);
    };
    let mut seen = vec![index];
    let mut links = Vec::new();
    while let Some(call) = event.call.as_deref() {
        let identity = &*call.identity;
        let issuer = identity.access_key.as_deref().and_then(|key| calls.issuer(key));
        match issuer.and_then(|index| Some((index, calls.timeline.events.get(index)?))) {
            Some((issuer, _)) if seen.contains(&issuer) || seen.len() >= LONGEST => {
                links.push(end(event, identity));
                let says = "unknown: the chain of roles leads back to itself or does not end".to_owned();
                let kind = OriginKind::Unknown;
                return (links, Some(Origin { kind, says }));
            }
            Some((issuer, assumed)) => {
                links.push(Link {
                    who: who(event, identity),
                    how: assumed.action.clone(),
                    role: identity.role_name().map(Text::from),
                    record: Some(assumed.record.clone()),
                    key: identity.access_key.clone(),
                });
                seen.push(issuer);
                event = assumed;
            }
            None => {
                links.push(end(event, identity));
                break;
            }
        }
    }
    let session = links.iter().rev().nth(1).map(|link| &*link.who);
    let origin = event.call.as_deref().map(|call| {
        let by_service = service(call.identity.invoked_by.as_ref(), call.user_agent.as_ref());
        let mut origin = origin(&call.identity, by_service, event, session);
        if let Some(vouched) = call.identity.source_identity.as_deref() {
            origin.says.push_str(&format!(", source identity {vouched}"));
        }
        origin
    });
    (links, origin)
}

fn who(event: &Event, identity: &Identity) -> Text {
    let name = identity.name().map(Text::from);
    name.or_else(|| event.actor.clone()).unwrap_or_else(|| Text::from("unknown"))
}

/// The last link that the evidence tells.
fn end(event: &Event, identity: &Identity) -> Link {
    let how = match &*identity.kind {
        "IAMUser" => "IAM user",
        "Root" => "root user",
        "AWSService" => "service",
        "AWSAccount" => "another account",
        "WebIdentityUser" => "web identity",
        "SAMLUser" => "SAML",
        "FederatedUser" => "federated user",
        "IdentityCenterUser" => "IAM Identity Center",
        "AssumedRole" if permission_set(identity).is_some() => "IAM Identity Center",
        "AssumedRole" | "Role" => "a session; its AssumeRole record is not in the evidence",
        _ => "unknown",
    };
    Link {
        who: who(event, identity),
        how: Text::from(how),
        role: identity.role_name().map(Text::from),
        record: Some(event.record.clone()),
        key: identity.access_key.clone(),
    }
}

/// Who stands at the beginning of the chain. `session` is the name that the origin gave to the first session it made.
fn origin(identity: &Identity, by_service: Option<&str>, event: &Event, session: Option<&str>) -> Origin {
    let name = who(event, identity);
    let of = |kind, says: String| Origin { kind, says };
    if let Some(web) = &identity.web_identity {
        return web_origin(web, session);
    }
    if let Some(set) = permission_set(identity) {
        return of(OriginKind::Person, format!("{name}, through IAM Identity Center (permission set {set})"));
    }
    match &*identity.kind {
        "Root" => of(OriginKind::Root, "the account's root user".to_owned()),
        "SAMLUser" => of(OriginKind::Person, format!("{name}, signed in by SAML")),
        "IdentityCenterUser" => of(OriginKind::Person, format!("{name}, of IAM Identity Center")),
        "FederatedUser" => of(OriginKind::Person, format!("{name}, a federated user")),
        "IAMUser" => user_origin(identity, &name),
        "AWSAccount" => of(
            OriginKind::Unknown,
            format!(
                "account {}, whose own CloudTrail tells who it was",
                identity.account.as_deref().unwrap_or("unknown")
            ),
        ),
        _ => match (by_service, identity.role_name()) {
            (Some(service), _) => service_origin(service, session.or(identity.role_name().map(|_| &*name))),
            (None, Some(role)) => session_origin(&name, role),
            (None, None) if identity.kind.is_empty() => {
                of(OriginKind::Unknown, format!("{name}; the record tells nothing more of the caller"))
            }
            (None, None) => of(OriginKind::Unknown, format!("{name}, a caller of type {}", identity.kind)),
        },
    }
}

/// The permission set of IAM Identity Center behind a role `AWSReservedSSO_NAME_HASH`.
fn permission_set(identity: &Identity) -> Option<&str> {
    let rest = identity.role_name()?.strip_prefix("AWSReservedSSO_")?;
    Some(rest.rsplit_once('_').map_or(rest, |(set, _)| set))
}

fn user_origin(identity: &Identity, name: &str) -> Origin {
    let long_lived = identity.access_key.as_deref().is_some_and(|key| key.starts_with("AKIA"));
    match (identity.from_console, long_lived) {
        (true, _) => Origin { kind: OriginKind::Person, says: format!("IAM user {name}, signed in at the console") },
        (false, true) => Origin {
            kind: OriginKind::StaticKey,
            says: format!("IAM user {name} with a long-lived access key: a person's or a machine's"),
        },
        (false, false) => {
            Origin { kind: OriginKind::Person, says: format!("IAM user {name} with temporary credentials") }
        }
    }
}

fn service_origin(service: &str, session: Option<&str>) -> Origin {
    let with = |label: &str| match session {
        Some(session) => format!("{label}, session {session}"),
        None => label.to_owned(),
    };
    match service {
        "codebuild.amazonaws.com" => Origin { kind: OriginKind::Ci, says: with("AWS CodeBuild") },
        "codepipeline.amazonaws.com" => Origin { kind: OriginKind::Ci, says: with("AWS CodePipeline") },
        _ => Origin { kind: OriginKind::Service, says: with(service) },
    }
}

/// A session whose AssumeRole record is missing: its name and role may still tell.
fn session_origin(name: &str, role: &str) -> Origin {
    let missing = "its AssumeRole record is not in the evidence";
    if name.starts_with("AWSCodeBuild-") {
        return service_origin("codebuild.amazonaws.com", Some(name));
    }
    if name == "GitHubActions" {
        return Origin {
            kind: OriginKind::Ci,
            says: format!("GitHub Actions by the session's name, in the role {role}; {missing}"),
        };
    }
    if name.starts_with("i-") && name.len() >= 10 && name.chars().skip(2).all(|digit| digit.is_ascii_hexdigit()) {
        return Origin { kind: OriginKind::Service, says: format!("the EC2 instance {name} in the role {role}") };
    }
    Origin { kind: OriginKind::Unknown, says: format!("the session {name} of the role {role}; {missing}") }
}

/// An identity provider whose subjects we can read.
struct Provider {
    /// Part of its host.
    host: &'static str,
    kind: OriginKind,
    /// The words for a subject, from the provider and the subject.
    says: fn(&str, &str) -> String,
}

const PROVIDERS: &[Provider] = &[
    Provider { host: "token.actions.", kind: OriginKind::Ci, says: |_, subject| github(subject) },
    // GitHub Enterprise Server signs its own tokens.
    Provider { host: "/_services/token", kind: OriginKind::Ci, says: |_, subject| github(subject) },
    Provider { host: "gitlab", kind: OriginKind::Ci, says: |_, subject| gitlab(subject) },
    Provider {
        host: "oidc.circleci.com",
        kind: OriginKind::Ci,
        says: |_, subject| with_parts("CircleCI", &["project", "user"], subject, '/'),
    },
    Provider {
        host: "api.bitbucket.org",
        kind: OriginKind::Ci,
        says: |provider, subject| bitbucket(provider, subject),
    },
    Provider {
        host: "agent.buildkite.com",
        kind: OriginKind::Ci,
        says: |_, subject| with_parts("Buildkite", &["organization", "pipeline"], subject, ':'),
    },
    Provider {
        host: "app.terraform.io",
        kind: OriginKind::Ci,
        says: |_, subject| with_parts("HCP Terraform", &["organization", "workspace"], subject, ':'),
    },
    Provider {
        host: "oidc.eks.",
        kind: OriginKind::Service,
        says: |_, subject| {
            format!("a Kubernetes pod, {}", subject.replacen("system:serviceaccount:", "service account ", 1))
        },
    },
];

fn web_origin(web: &WebIdentity, session: Option<&str>) -> Origin {
    let known = PROVIDERS
        .iter()
        .find(|provider| web.provider.contains(provider.host))
        // A self-hosted GitLab is known by its subjects only.
        .or_else(|| {
            PROVIDERS.iter().find(|provider| provider.host == "gitlab" && web.subject.starts_with("project_path:"))
        });
    let Some(provider) = known else {
        return Origin {
            kind: OriginKind::Unknown,
            says: format!("{}, whom {} vouched for", web.subject, web.provider),
        };
    };
    let mut says = (provider.says)(&web.provider, &web.subject);
    if let Some(session) = session {
        says.push_str(&format!(", session {session}"));
    }
    Origin { kind: provider.kind, says }
}

/// `repo:OWNER/NAME:ref:refs/heads/main`, `:environment:prod`, `:pull_request`. An organisation may add parts of its own.
/// Source: "OpenID Connect reference" in GitHub's documentation, example subject claims.
fn github(subject: &str) -> String {
    let mut says = "GitHub Actions".to_owned();
    let Some((repository, rest)) = subject.strip_prefix("repo:").and_then(|rest| rest.split_once(':')) else {
        return format!("{says}, subject {subject}");
    };
    says.push_str(&format!(", repository {repository}"));
    let (claim, value) = rest.split_once(':').unwrap_or((rest, ""));
    let told = match (claim, value) {
        ("ref", value) => git_ref(value),
        ("environment", value) => format!("environment {value}"),
        ("pull_request", _) => "a pull request".to_owned(),
        ("job_workflow_ref", value) => format!("workflow {value}"),
        _ => rest.to_owned(),
    };
    format!("{says}, {told}")
}

/// `project_path:GROUP/NAME:ref_type:branch:ref:main`. Source: "OpenID Connect in AWS" in GitLab's documentation.
fn gitlab(subject: &str) -> String {
    let part = |name: &str| {
        let mut parts = subject.split(':');
        parts.find(|part| *part == name)?;
        parts.next()
    };
    match (part("project_path"), part("ref_type"), part("ref")) {
        (Some(project), Some(kind), Some(name)) => format!("GitLab CI, project {project}, {kind} {name}"),
        (Some(project), ..) => format!("GitLab CI, project {project}"),
        _ => format!("GitLab CI, subject {subject}"),
    }
}

/// `{REPOSITORY}:{STEP}` with the workspace in the provider's path. Source: Bitbucket's documentation, "Deploy on AWS using
/// Bitbucket Pipelines OpenID Connect".
fn bitbucket(provider: &str, subject: &str) -> String {
    let workspace = provider.split_once("/workspaces/").and_then(|(_, rest)| rest.split('/').next());
    let repository = subject.split(':').next().unwrap_or(subject);
    match workspace {
        Some(workspace) => format!("Bitbucket Pipelines, workspace {workspace}, repository {repository}"),
        None => format!("Bitbucket Pipelines, repository {repository}"),
    }
}

fn git_ref(name: &str) -> String {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        format!("branch {branch}")
    } else if let Some(tag) = name.strip_prefix("refs/tags/") {
        format!("tag {tag}")
    } else {
        format!("ref {name}")
    }
}

/// The named parts of a subject that is a list of names and values: `org/ID/project/ID/user/ID`.
fn with_parts(label: &str, names: &[&str], subject: &str, separator: char) -> String {
    let mut says = label.to_owned();
    for name in names {
        let mut parts = subject.split(separator);
        if parts.any(|part| part == *name)
            && let Some(value) = parts.next()
        {
            says.push_str(&format!(", {name} {value}"));
        }
    }
    says
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assume, call, cloudformation, of_role, timeline, user, web};
    use super::*;

    fn chain_of(events: Vec<Event>) -> (Vec<Link>, Option<Origin>) {
        let timeline = timeline(events);
        let last = timeline.events.len().saturating_sub(1);
        walk(&Calls::of(&timeline), last)
    }

    fn names(links: &[Link]) -> Vec<(&str, &str)> {
        links.iter().map(|link| (&*link.who, &*link.how)).collect()
    }

    #[test]
    fn a_chain_ends_with_the_ci_job_behind_two_roles() {
        let (links, origin) = chain_of(vec![
            assume(
                0,
                "AssumeRoleWithWebIdentity",
                web(
                    "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com",
                    "repo:acme/shop:ref:refs/heads/main",
                ),
                "ASIA1",
            ),
            assume(5, "AssumeRole", of_role("gha", "GitHubActions", "ASIA1"), "ASIA2"),
            cloudformation(9, "DeleteStack", "shop", of_role("cdk-x-deploy-role-1-r", "aws-cdk-runner", "ASIA2")),
        ]);
        assert_eq!(
            names(&links),
            [
                ("aws-cdk-runner", "AssumeRole"),
                ("GitHubActions", "AssumeRoleWithWebIdentity"),
                ("repo:acme/shop:ref:refs/heads/main", "web identity")
            ]
        );
        assert_eq!(
            origin,
            Some(Origin {
                kind: OriginKind::Ci,
                says: "GitHub Actions, repository acme/shop, branch main, session GitHubActions".into(),
            })
        );
    }

    #[test]
    fn a_missing_record_is_said() {
        let (links, origin) =
            chain_of(vec![cloudformation(9, "DeleteStack", "shop", of_role("deploy", "aws-cdk-root", "ASIA2"))]);
        assert_eq!(links.len(), 1);
        let Some(origin) = origin else { panic!("no origin") };
        assert_eq!(origin.kind, OriginKind::Unknown);
        assert!(origin.says.contains("aws-cdk-root") && origin.says.contains("not in the evidence"), "{}", origin.says);
    }

    #[test]
    fn a_loop_ends() {
        let (links, origin) = chain_of(vec![
            assume(0, "AssumeRole", of_role("a", "one", "ASIA2"), "ASIA1"),
            assume(1, "AssumeRole", of_role("b", "two", "ASIA1"), "ASIA2"),
            cloudformation(9, "DeleteStack", "shop", of_role("b", "two", "ASIA2")),
        ]);
        assert!(links.len() <= LONGEST, "{links:?}");
        assert_eq!(origin.map(|origin| origin.kind), Some(OriginKind::Unknown));
    }

    #[test]
    fn origins_are_told_by_the_last_identity() {
        let mut console = user("lena", "ASIA9");
        console.from_console = true;
        let service = Identity {
            kind: "AWSService".into(),
            invoked_by: Some("codebuild.amazonaws.com".into()),
            ..Identity::default()
        };
        for (identity, kind, says) in [
            (user("bot", "AKIA1"), OriginKind::StaticKey, "IAM user bot with a long-lived access key"),
            (console, OriginKind::Person, "IAM user lena, signed in at the console"),
            (
                of_role("AWSReservedSSO_Power_User_1d7e", "jane@example.com", "ASIA3"),
                OriginKind::Person,
                "jane@example.com, through IAM Identity Center (permission set Power_User)",
            ),
            (service, OriginKind::Ci, "AWS CodeBuild"),
            (of_role("app", "i-0a1b2c3d4e5f60718", "ASIA4"), OriginKind::Service, "the EC2 instance i-0a1b"),
            (Identity { kind: "Root".into(), ..Identity::default() }, OriginKind::Root, "the account's root user"),
            (Identity::default(), OriginKind::Unknown, "unknown; the record tells"),
        ] {
            let (_, origin) = chain_of(vec![call(0, "DeleteStack", identity)]);
            let Some(origin) = origin else { panic!("no origin") };
            assert_eq!(origin.kind, kind, "{says}");
            assert!(origin.says.starts_with(says), "{}", origin.says);
        }
    }

    #[test]
    fn subjects_are_read() {
        for (provider, subject, expected) in [
            (
                "token.actions.githubusercontent.com",
                "repo:o/n:environment:prod",
                "GitHub Actions, repository o/n, environment prod",
            ),
            (
                "token.actions.githubusercontent.com",
                "repo:o/n:pull_request",
                "GitHub Actions, repository o/n, a pull request",
            ),
            (
                "token.actions.githubusercontent.com",
                "repo:o/n:ref:refs/tags/v1",
                "GitHub Actions, repository o/n, tag v1",
            ),
            ("token.actions.githubusercontent.com", "odd", "GitHub Actions, subject odd"),
            ("gitlab.example.com", "project_path:g/n:ref_type:branch:ref:main", "GitLab CI, project g/n, branch main"),
            ("oidc.circleci.com/org/1", "org/1/project/2/user/3", "CircleCI, project 2, user 3"),
            (
                "api.bitbucket.org/2.0/workspaces/w/pipelines-config/identity/oidc",
                "{1}:{2}",
                "Bitbucket Pipelines, workspace w, repository {1}",
            ),
            (
                "oidc.eks.eu-west-1.amazonaws.com/id/1",
                "system:serviceaccount:ci:runner",
                "a Kubernetes pod, service account ci:runner",
            ),
            ("idp.example.com", "me", "me, whom idp.example.com vouched for"),
        ] {
            let web = WebIdentity { provider: provider.into(), subject: subject.into() };
            assert_eq!(web_origin(&web, None).says, expected);
        }
    }
}
