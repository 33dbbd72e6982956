//! Names that tell whose case it is (accounts, stacks, roles, people, addresses), and pseudonyms of the same shape: a
//! redacted case can still be read, and what was equal stays equal. What AWS and the tools call themselves is no name.
//! Used by the redactor where names shall be replaced, too.

use super::ledger::Ledger;
use super::words;
use super::wrapped::{self, Whole};
use super::{MARK, keys};
use aho_corasick::AhoCorasick;
use hashbrown::{HashMap, HashSet};
use regex::{Captures, Regex};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Stack,
    Role,
    User,
    Session,
    Host,
    /// All else: queues, clusters, buckets, groups.
    Name,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Stack => "stack",
            Self::Role => "role",
            Self::User => "user",
            Self::Session => "session",
            Self::Host => "host",
            Self::Name => "name",
        }
    }
}

/// What the value of a key of this name names. Source: the AWS CLI's and CloudTrail's JSON.
pub(super) fn kind(key: &str) -> Option<Kind> {
    Some(match key.to_ascii_lowercase().as_str() {
        "accountid" | "recipientaccountid" | "account" | "registryid" | "owneraccountid" | "sourceaccount" => {
            Kind::Account
        }
        "stackname" | "stackid" | "rootid" | "parentid" | "stack" | "stack_id" => Kind::Stack,
        "rolename" => Kind::Role,
        "username" | "masterusername" | "userid" => Kind::User,
        "rolesessionname" | "principalid" | "assumedroleid" => Kind::Session,
        "domainname" | "hostname" | "dnsname" => Kind::Host,
        "physicalresourceid"
        | "physical_id"
        | "bucketname"
        | "s3bucket"
        | "bucket"
        | "clustername"
        | "cluster"
        | "servicename"
        | "functionname"
        | "tablename"
        | "queuename"
        | "topicname"
        | "dbinstanceidentifier"
        | "dbclusteridentifier"
        | "sourceidentifier"
        | "dbname"
        | "loggroupname"
        | "loggroupnameprefix"
        | "awslogs-group"
        | "repositoryname"
        | "userpoolname"
        | "poolname"
        | "groupname"
        | "autoscalinggroupname"
        | "family"
        | "targetgroupname"
        | "loadbalancername"
        | "dbsubnetgroupname"
        | "dbparametergroupname"
        | "cachesubnetgroupname"
        | "replicationgroupid"
        | "servicerole"
        | "alarmname"
        | "launchtemplatename"
        | "serverlesscachename"
        | "usergroupid"
        | "eventbusname"
        | "subjectfromwebidentitytoken"
        | "indexname" => Kind::Name,
        _ => return None,
    })
}

/// Keys whose values hold AWS's and the tools' own words, and ids that only join records.
pub(super) fn is_plain(key: &str) -> bool {
    matches!(
        key,
        "userAgent"
            | "eventName"
            | "EventName"
            | "eventSource"
            | "EventSource"
            | "eventType"
            | "awsRegion"
            | "ResourceType"
            | "ResourceStatus"
            | "requestID"
            | "eventID"
            | "EventId"
            | "OperationId"
            | "ClientRequestToken"
            | "clientRequestToken"
            | "clientToken"
            | "eventTime"
            | "EventTime"
            | "Timestamp"
            | "eventVersion"
            | "invokedBy"
            | "imageDigest"
            | "StackStatus"
    )
}

/// The names that were learnt.
#[derive(Debug, Default)]
pub(super) struct Names {
    kinds: HashMap<String, Kind>,
    /// RDS and others keep names in lower case.
    of_lower: HashMap<String, String>,
    /// CloudFormation's names begin with the stack's. In lower case.
    stacks: Vec<String>,
    logical_ids: HashSet<String>,
    forms: Vec<String>,
    automaton: Option<AhoCorasick>,
}

macro_rules! regex {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).unwrap_or_else(|error| panic!("an expression of src/redact: {error}")));
    };
}

regex!(ARN, r#"arn:aws[a-z-]*:([a-z0-9-]*):[a-z0-9-]*:([0-9]{12})?:([^\s"'<>,;()\\\]}]+)"#);
regex!(
    PLACE,
    r#"https?://sqs\.[a-z0-9-]+\.amazonaws\.com/([0-9]{12})/([A-Za-z0-9_.-]+)|([0-9]{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/([A-Za-z0-9_./-]+)|https://s3[.-][a-z0-9-]+\.amazonaws\.com/([a-z0-9.-]{3,63})|(?:https?|s3)://([a-z0-9.-]{3,63}?)(?:\.s3[.-][a-z0-9.-]*amazonaws\.com|/|$)"#
);
regex!(
    STACK,
    r"(?m)(?:^|[\s\x1b]|\[[0-9;]*m)([A-Za-z][A-Za-z0-9-]{1,127})(?:\x1b\[[0-9;]*m)*(?: \| +\d+/\d+ \| |: (?:deploying\.\.\.|destroying\.\.\.|start: |success: |creating CloudFormation changeset))|--stack-name[ =]([A-Za-z][A-Za-z0-9-]*)|(?:stack named|Stack|stack) \[?([A-Za-z][A-Za-z0-9-]*)\]? (?:failed creation|does not exist)"
);
regex!(PRINCIPAL, r"\b(?:AROA|AIDA|AGPA|ANPA|AIPA|ANVA|ASCA)[A-Z0-9]{12,17}\b");
regex!(IPV4, r"\b(ip-)?[0-9]{1,3}([.-])[0-9]{1,3}[.-][0-9]{1,3}[.-][0-9]{1,3}\b");
regex!(IPV6, r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}");
regex!(ACCOUNT, r"\b[0-9]{12}\b");
regex!(PSEUDONYM, r"^(?:(?:stack|role|user|session|name|host)-[0-9]+\b|0{6}|[a-z]+-0{5}|00000000-0000-4000-8000-)");
regex!(BOOTSTRAP, r"^cdk-[a-z0-9]+-(?:deploy|cfn-exec|lookup|(?:file|image)-publishing|assets|container-assets)\b");
regex!(EC2_ID, r"^([a-z]{1,12}-)([0-9a-f]{17}|[0-9a-f]{8})$");

/// What AWS and the tools call themselves, in whole.
const PLAIN: &[&str] = &[
    "AWSCloudFormation",
    "GitHubActions",
    "AWSControlTowerExecution",
    "CDKToolkit",
    "aws-sam-cli-managed-default",
    "AWSCloudFormationStackSetAdministrationRole",
    "AWSCloudFormationStackSetExecutionRole",
    "service-role",
    "aws-service-role",
    "aws-reserved",
    "sso.amazonaws.com",
    "app",
    "net",
    "gwy",
    "aws",
    "lambda",
    "ecs",
    "rds",
    "codebuild",
    "vpc",
    "log-group",
    "log-stream",
    "targetgroup",
    "loadbalancer",
    "repo",
    "environment",
    "ref",
    "refs",
    "heads",
    "tags",
    "pull_request",
    "arn",
    "role",
    "root",
    "user",
    "stack",
    "secret",
    "function",
    "rds-db-credentials",
    "containerinsights",
    "performance",
    "HIDDEN_DUE_TO_SECURITY_REASONS",
];

/// What tools put before a person's or a thing's name, by which they are recognised.
const PREFIXES: &[&str] = &[
    "aws-cdk-",
    "cdk-assets-",
    "AWSCodeBuild-",
    "AWSReservedSSO_",
    "stacksets-exec-",
    "StackSet-",
    "amplify-",
    "eksctl-",
    "awseb-e-",
    "botocore-session-",
    "service:",
    "ecs-svc",
];

impl Names {
    /// Learns what a key's value names.
    pub fn learn_value(&mut self, kind: Kind, value: &str) {
        if value.starts_with("arn:") || value.contains("://") {
            return;
        }
        if kind == Kind::Session && value.contains(':') {
            // `AROA...:session`
            return value.split(':').skip(1).for_each(|session| self.add(Kind::Session, session));
        }
        value.split(['/', ':', '|']).for_each(|part| self.add(kind, part));
    }

    /// A logical id is a template's word and stays; so does a thing that is called the same.
    pub fn learn_logical_id(&mut self, id: &str) {
        if !self.logical_ids.contains(id) {
            self.logical_ids.insert(id.to_owned());
            self.automaton = None;
        }
    }

    /// Learns what ARNs, addresses and the lines of tools name.
    pub fn learn_text(&mut self, text: &str) {
        if text.contains("arn:aws") {
            for arn in ARN.captures_iter(text) {
                if let Some(account) = arn.get(2) {
                    self.add(Kind::Account, account.as_str());
                }
                for (kind, part) in parts_of_arn(&arn) {
                    self.add(kind, part);
                }
            }
        }
        if text.contains("://") || text.contains(".dkr.ecr.") {
            for place in PLACE.captures_iter(text) {
                for account in [1, 3].into_iter().filter_map(|group| place.get(group)) {
                    self.add(Kind::Account, account.as_str());
                }
                for name in [2, 4, 5].into_iter().filter_map(|group| place.get(group)) {
                    self.learn_value(Kind::Name, name.as_str());
                }
                if let Some(host) = place.get(6) {
                    self.learn_host(
                        host.as_str(),
                        place.get(0).is_some_and(|whole| whole.as_str().starts_with("http")),
                    );
                }
            }
        }
        if text.contains("tack") || text.contains(" | ") || text.contains(": ") {
            for stack in STACK.captures_iter(text).filter_map(|found| found.iter().skip(1).flatten().next()) {
                self.add(Kind::Stack, stack.as_str());
            }
        }
    }

    fn learn_host(&mut self, host: &str, is_web: bool) {
        const PUBLIC: &[&str] = &[
            "amazonaws.com",
            "aws.amazon.com",
            "amazon.com",
            "github.com",
            "githubusercontent.com",
            "gitlab.com",
            "npmjs.org",
            "npmjs.com",
            "docker.io",
            "docker.com",
            "pypi.org",
            "nodejs.org",
            "localhost",
            "python.org",
        ];
        let is_public = PUBLIC
            .iter()
            .any(|public| host == *public || host.strip_suffix(public).is_some_and(|rest| rest.ends_with('.')));
        if !is_public && (!is_web || host.contains(|c: char| c.is_ascii_alphabetic()) && host.contains('.')) {
            self.add(if is_web { Kind::Host } else { Kind::Name }, host);
        }
    }

    fn add(&mut self, kind: Kind, name: &str) {
        let name = match PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            Some(rest) => {
                rest.rsplit_once('_').filter(|_| name.starts_with("AWSReservedSSO_")).map_or(rest, |(set, _)| set)
            }
            None => name,
        };
        let fits = match kind {
            Kind::Account => {
                name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with("000000")
            }
            _ => is_name(name),
        };
        // `STACK` in a command that is to be filled in.
        let to_fill_in = words::is_common(name) && name.bytes().all(|byte| byte.is_ascii_uppercase());
        if !fits || to_fill_in || self.kinds.contains_key(name) {
            return;
        }
        self.kinds.insert(name.to_owned(), kind);
        self.of_lower.entry(name.to_ascii_lowercase()).or_insert_with(|| name.to_owned());
        if kind == Kind::Stack {
            self.stacks.push(name.to_ascii_lowercase());
        }
        // The report is about the stack and says its name in every sentence.
        let common = match kind {
            Kind::Stack => words::is_prose(name),
            _ => words::is_common(name) || words::is_prose(name),
        };
        let distinct = name.len() >= 4 && !common && name.chars().any(|c| c.is_ascii_alphabetic());
        if distinct || kind == Kind::Account {
            self.forms.push(name.to_owned());
            self.automaton = None;
        }
    }

    /// The text with its names replaced; none where there is none.
    pub fn replace(&mut self, text: &str, ledger: &mut Ledger) -> Option<String> {
        let joined = self.replace_cut(text, ledger);
        self.replace_uncut(joined.as_deref().unwrap_or(text), ledger).or(joined)
    }

    /// Those names only that a line's end cut in two.
    fn replace_cut(&mut self, text: &str, ledger: &mut Ledger) -> Option<String> {
        let whole = Whole::of(text)?;
        let spans = self.spans(&whole.text, ledger);
        let cut =
            spans.into_iter().filter_map(|(span, pseudonym)| Some(wrapped::fill(whole.pieces(&span)?, &pseudonym)));
        splice(text, cut.flatten().collect())
    }

    fn replace_uncut(&mut self, text: &str, ledger: &mut Ledger) -> Option<String> {
        let spans = self.spans(text, ledger);
        splice(text, spans)
    }

    fn spans(&mut self, text: &str, ledger: &mut Ledger) -> Vec<(Range<usize>, String)> {
        let mut spans: Vec<(Range<usize>, String)> = Vec::new();
        if text.contains("arn:aws") {
            for arn in ARN.captures_iter(text) {
                let resource = arn.get(3).map(|resource| resource.range()).unwrap_or_default();
                self.replace_parts(text, resource, ledger, &mut spans);
            }
        }
        self.find_names(text, ledger, &mut spans);
        find_shapes(text, ledger, &mut spans);
        spans
    }

    /// The value of a key that names something: every part that is a name, also a name that is a common word.
    pub fn replace_value(&mut self, value: &str, ledger: &mut Ledger) -> Option<String> {
        let mut spans = Vec::new();
        self.replace_parts(value, 0..value.len(), ledger, &mut spans);
        splice(value, spans)
    }

    fn replace_parts(
        &self,
        text: &str,
        within: Range<usize>,
        ledger: &mut Ledger,
        spans: &mut Vec<(Range<usize>, String)>,
    ) {
        let mut at = within.start;
        for part in text.get(within).unwrap_or_default().split(['/', ':', '|']) {
            let prefix = PREFIXES.iter().find(|prefix| part.starts_with(**prefix)).map_or(0, |prefix| prefix.len());
            for skip in [0, prefix] {
                let name = part.get(skip..).unwrap_or_default();
                if let Some(pseudonym) = self.pseudonym(name, ledger) {
                    spans.push((at + skip..at + part.len(), pseudonym));
                    break;
                }
            }
            at += part.len() + 1;
        }
    }

    /// The learnt names as whole words, the longest of those that begin at a place.
    fn find_names(&mut self, text: &str, ledger: &mut Ledger, spans: &mut Vec<(Range<usize>, String)>) {
        if self.automaton.is_none() {
            self.automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&self.forms).ok();
        }
        let Some(automaton) = &self.automaton else { return };
        let mut hits: Vec<Range<usize>> = automaton
            .find_overlapping_iter(text)
            .map(|hit| hit.range())
            .filter(|span| words::is_whole(text, span))
            .collect();
        hits.sort_unstable_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut done = 0;
        for span in
            hits.into_iter().filter(|span| !spans.iter().any(|(other, _)| overlap(other, span))).collect::<Vec<_>>()
        {
            if span.start < done {
                continue;
            }
            let name = text.get(span.clone()).unwrap_or_default();
            // In another case it is only the same where names are kept in lower case.
            let stays = self.logical_ids.contains(name) && self.kinds.get(name) != Some(&Kind::Stack);
            if let Some(pseudonym) = self.pseudonym(name, ledger).filter(|_| !stays) {
                done = span.end;
                spans.push((span, pseudonym));
            }
        }
    }

    /// What stands for a name that was learnt.
    fn pseudonym(&self, name: &str, ledger: &mut Ledger) -> Option<String> {
        let name = match self.kinds.contains_key(name) {
            true => name,
            false => self.of_lower.get(&name.to_ascii_lowercase())?,
        };
        let kind = *self.kinds.get(name)?;
        if kind == Kind::Account {
            return Some(account(name, ledger));
        }
        if keys::is_uuid(name) {
            return Some(ledger.pseudonym("UUID", name, |number| format!("00000000-0000-4000-8000-{number:012x}")));
        }
        if let Some(id) = EC2_ID.captures(name) {
            let (prefix, digits) = (&id[1], id[2].len());
            return Some(ledger.pseudonym("id", name, |number| format!("{prefix}{number:0digits$x}")));
        }
        if kind == Kind::Host {
            return Some(ledger.pseudonym("host", name, |number| format!("host-{number}.example")));
        }
        if let Some(made) = self.made_by_cloudformation(kind, name, ledger) {
            return Some(made);
        }
        Some(ledger.pseudonym(kind.word(), name, |number| format!("{}-{number}", kind.word())))
    }

    /// `STACK-LOGICALID-RANDOM`, which nested stacks are called, too: the stack's pseudonym, the logical id, and a number as
    /// long as what was random.
    fn made_by_cloudformation(&self, kind: Kind, name: &str, ledger: &mut Ledger) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        let begins = |stack: &&String| lower.strip_prefix(stack.as_str()).is_some_and(|rest| rest.starts_with('-'));
        let stack = self.stacks.iter().filter(begins).max_by_key(|stack| stack.len())?;
        let rest = name.get(stack.len() + 1..)?;
        let stack = self.pseudonym(self.of_lower.get(stack)?, ledger)?;
        let random =
            |text: &str| (8..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (middle, length) = match rest.rsplit_once('-').filter(|(_, end)| random(end)) {
            Some((middle, end)) => (format!("{middle}-"), end.len()),
            None => (String::new(), 8),
        };
        let middle = match self.stacks.iter().any(|other| middle.to_ascii_lowercase().contains(other.as_str())) {
            true => String::new(),
            false => middle,
        };
        Some(
            ledger.pseudonym(kind.word(), name, |number| {
                format!("{stack}-{middle}x{number:0>width$}", width = length - 1)
            }),
        )
    }
}

/// The names in an ARN's resource, by what AWS writes into it.
fn parts_of_arn<'t>(arn: &Captures<'t>) -> Vec<(Kind, &'t str)> {
    let service = arn.get(1).map_or("", |service| service.as_str());
    let resource = arn.get(3).map_or("", |resource| resource.as_str()).trim_end_matches(['.', ':']);
    let mut parts = resource.split(['/', ':', '|']);
    if matches!(service, "s3" | "sns" | "sqs") {
        return parts.next().map(|name| (Kind::Name, name)).into_iter().collect();
    }
    let kind = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let last = |kind| parts.last().map(|name| (kind, *name)).into_iter().collect();
    match (service, kind) {
        ("iam", "role") => last(Kind::Role),
        ("iam", "user" | "mfa") | ("sts", "federated-user") => last(Kind::User),
        ("iam", "oidc-provider")
        | ("cloudformation", "changeSet" | "type" | "generatedTemplate")
        | ("execute-api" | "apigateway", _) => Vec::new(),
        ("sts", "assumed-role") => [Kind::Role, Kind::Session].into_iter().zip(parts).collect(),
        ("cloudformation", "stack") => [Kind::Stack, Kind::Name].into_iter().zip(parts).collect(),
        // The name of a secret, and behind it six characters that Secrets Manager adds.
        ("secretsmanager", _) => {
            let plain = parts.last().and_then(|name| name.get(..name.len().checked_sub(7)?));
            parts.iter().copied().chain(plain).map(|name| (Kind::Name, name)).collect()
        }
        _ => parts.into_iter().map(|name| (Kind::Name, name)).collect(),
    }
}

/// Whether a part of an ARN, a path or a value is somebody's name for a thing, and not AWS's word, number or digest.
fn is_name(part: &str) -> bool {
    let digest = part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let uuid = keys::is_uuid(part);
    part.chars().any(char::is_alphabetic)
        && part.len() >= 2
        && (!digest || uuid)
        && !part.contains([' ', '*', '$', '[', '{', '='])
        && !part.contains(MARK)
        && !part.ends_with(".amazonaws.com")
        && !part.starts_with("AWSServiceRoleFor")
        && !PLAIN.contains(&part)
        && !BOOTSTRAP.is_match(part)
        && !PRINCIPAL.is_match(part)
        && !PSEUDONYM.is_match(part)
        && !is_region(part)
}

/// `us-gov-west-1`
fn is_region(part: &str) -> bool {
    let mut words = part.rsplit('-');
    words.next().is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
        && words
            .next()
            .is_some_and(|side| ["north", "south", "east", "west", "central"].iter().any(|name| side.contains(name)))
        && part.split('-').next().is_some_and(|area| area.len() == 2)
}

fn account(id: &str, ledger: &mut Ledger) -> String {
    ledger.pseudonym("account", id, |number| format!("{number:012}"))
}

/// What its form gives away: addresses, the unique ids of principals, accounts.
fn find_shapes(text: &str, ledger: &mut Ledger, spans: &mut Vec<(Range<usize>, String)>) {
    let mut put = |span: Range<usize>, pseudonym: String| {
        if !spans.iter().any(|(other, _)| overlap(other, &span)) {
            spans.push((span, pseudonym));
        }
    };
    for found in PRINCIPAL.find_iter(text) {
        let (kind, digits) = found.as_str().split_at(4);
        if !digits.starts_with("0000") {
            let pseudonym = ledger.pseudonym("principal", found.as_str(), |number| {
                format!("{kind}{number:0>width$}", width = digits.len())
            });
            put(found.range(), pseudonym);
        }
    }
    for found in IPV4.captures_iter(text) {
        let Some(whole) = found.get(0).filter(|whole| is_address(text, &whole.range())) else { continue };
        let separator = found.get(2).map_or(".", |separator| separator.as_str());
        let digits = whole.as_str().trim_start_matches("ip-");
        let in_name = whole.as_str().starts_with("ip-");
        if in_name != (separator == "-") {
            continue;
        }
        if let Ok(address) = digits.replace('-', ".").parse::<Ipv4Addr>()
            && tells(address)
        {
            let pseudonym =
                ledger.pseudonym("address", &address.to_string(), |number| test_address(number).to_string());
            put(whole.range(), if in_name { format!("ip-{}", pseudonym.replace('.', "-")) } else { pseudonym });
        }
    }
    for found in IPV6.find_iter(text).filter(|found| is_address(text, &found.range())) {
        if let Ok(address) = found.as_str().parse::<Ipv6Addr>()
            && !address.is_loopback()
            && !address.is_unspecified()
            && address.segments()[..2] != [0x2001, 0xdb8]
        {
            put(found.range(), ledger.pseudonym("address", found.as_str(), |number| format!("2001:db8::{number:x}")));
        }
    }
    for found in ACCOUNT.find_iter(text) {
        let digits = found.as_str();
        let uuid =
            found.start().checked_sub(24).and_then(|start| text.get(start..found.end())).is_some_and(keys::is_uuid);
        let date = digits.starts_with("20") && digits.get(4..6).is_some_and(|month| month <= "12");
        let in_number = text.get(..found.start()).is_some_and(|before| before.ends_with('.'));
        if !uuid && !date && !in_number && !digits.starts_with("000000") {
            put(found.range(), account(digits, ledger));
        }
    }
}

/// An address stands alone: `aws-cli/2.31.9.1` and `Chrome/142.0.0.0` are versions.
fn is_address(text: &str, span: &Range<usize>) -> bool {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let version = before.strip_suffix(['/', '-', 'v', '#']).is_some_and(|rest| rest.ends_with(char::is_alphanumeric));
    !version
        && !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '_'))
        && !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_'))
        && !after.strip_prefix(['.', '-']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether an IPv4 address is some machine's: not this one, none, or one that documentation and tests use.
fn tells(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation())
        && a != 0
        && !address.is_multicast()
        && !(a == 198 && matches!(b, 18 | 19))
}

/// The addresses that RFC 5737 keeps for documentation; beyond them those that RFC 2544 keeps for tests.
fn test_address(number: usize) -> Ipv4Addr {
    let place = (number - 1) % 254 + 1;
    let place = u8::try_from(place).unwrap_or(u8::MAX);
    match (number - 1) / 254 {
        0 => Ipv4Addr::new(192, 0, 2, place),
        1 => Ipv4Addr::new(198, 51, 100, place),
        2 => Ipv4Addr::new(203, 0, 113, place),
        more => {
            let [.., high, low] = (more - 3).to_be_bytes();
            Ipv4Addr::new(198, 18 + high % 2, low, place)
        }
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// The text with what stands at each place replaced; none where nothing is.
fn splice(text: &str, mut spans: Vec<(Range<usize>, String)>) -> Option<String> {
    if spans.is_empty() {
        return None;
    }
    spans.sort_by_key(|(span, _)| span.start);
    let mut spliced = String::with_capacity(text.len());
    let mut done = 0;
    for (span, pseudonym) in spans {
        spliced.push_str(text.get(done..span.start).unwrap_or_default());
        spliced.push_str(&pseudonym);
        done = span.end;
    }
    spliced.push_str(text.get(done..).unwrap_or_default());
    Some(spliced)
}
