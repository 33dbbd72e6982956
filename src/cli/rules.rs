//! `rules`: what the diagnosis knows by the words of a failure, and rules of one's own: list, show, test, new.
//! A user's rules are files of the catalogue's own form; nothing of them is run.

use super::Known;
use super::error::{Exit, Failure};
use super::output::Target;
use super::told::Told;
use crate::case;
use crate::model::Reason;
use crate::render::{self, Zone};
use crate::report::select::Question;
use crate::rules::{CAUSES, Catalogue, CatalogueError, check, text_of};
use crate::timeline;
use clap::{Args, Subcommand, ValueEnum};
use std::fs;
use std::path::{Path, PathBuf};

/// Say what the rules are, and write and test your own
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules by the cause that they recognise
    List(List),
    /// Show a rule: what it means, why it happens, how to confirm, what to do
    Show(Show),
    /// Test rules against their own examples, or say which rules know the failures of a case
    Test(Test),
    /// Print a commented rule to begin with
    New(New),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    own: OwnRules,
    /// Only the rules of this cause, such as permission.denied, or of a family, such as permission
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct Show {
    /// The rule's id
    id: String,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct Test {
    /// Folders or files of rules to test against their examples, or cases whose failures the rules shall read; none for
    /// the rules that come with cfn-forensics
    paths: Vec<PathBuf>,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
struct New {
    /// The rule's id: unique, in kebab case
    id: String,
    /// The cause that it recognises
    #[arg(long, value_name = "CODE", default_value = "other", value_parser = cause)]
    cause: String,
    #[command(flatten)]
    target: Target,
}

/// How rules are written out.
#[derive(Debug, Args)]
struct Form {
    /// How to write it
    #[arg(long, value_enum, default_value_t = RulesFormat::Text)]
    format: RulesFormat,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RulesFormat {
    /// For reading
    Text,
    /// For programs
    Json,
}

/// Rules of one's own.
#[derive(Debug, Args)]
pub struct OwnRules {
    /// Use the rules of this file, or of all *.toml files of this folder, as well
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

impl OwnRules {
    /// The rules that come with cfn-forensics, then these.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not a file of rules.
    pub fn catalogue(&self) -> Result<Catalogue, CatalogueError> {
        with_rules_of(&self.rules)
    }
}

fn with_rules_of(paths: &[PathBuf]) -> Result<Catalogue, CatalogueError> {
    if paths.is_empty() {
        return Catalogue::embedded();
    }
    let mut files = Vec::new();
    for path in paths {
        for file in rule_files(path)? {
            let content = fs::read_to_string(&file).map_err(|source| unreadable(&file, source))?;
            files.push((file.display().to_string(), content));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    Catalogue::embedded_and(&files)
}

/// The file itself, or the *.toml files of a folder in the order of their names.
fn rule_files(path: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|source| unreadable(path, source))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(CatalogueError::NoRules { folder: path.display().to_string() });
    }
    Ok(files)
}

fn unreadable(path: &Path, source: std::io::Error) -> CatalogueError {
    CatalogueError::Read { file: path.display().to_string(), source }
}

fn cause(text: &str) -> Result<String, String> {
    let known = CAUSES.iter().any(|(code, _)| *code == text);
    let codes = || CAUSES.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ");
    if known { Ok(text.to_owned()) } else { Err(format!("the causes are {}", codes())) }
}

/// Does what is asked of the rules.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.verb {
        Verb::List(arguments) => list(arguments),
        Verb::Show(arguments) => show(arguments),
        Verb::Test(arguments) => test(arguments),
        Verb::New(arguments) => new(arguments),
    }
}

fn list(arguments: &List) -> Result<Exit, Failure> {
    let catalogue = arguments.own.catalogue()?;
    let wanted = |cause: &str| {
        arguments.cause.as_deref().is_none_or(|wanted| {
            cause == wanted || cause.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let rules: Vec<_> = catalogue.rules.iter().filter(|rule| wanted(&rule.cause)).collect();
    let style = arguments.form.target.style(Zone::default());
    arguments.form.target.write(|out| match arguments.form.format {
        RulesFormat::Text => render::rule_list(&rules, &style, out),
        RulesFormat::Json => render::rules_json(&rules, out),
    })?;
    Ok(Exit::Fine)
}

fn show(arguments: &Show) -> Result<Exit, Failure> {
    let catalogue = arguments.own.catalogue()?;
    let rule = catalogue.rules.iter().find(|rule| rule.id == arguments.id);
    let rule = rule.ok_or_else(|| CatalogueError::NoSuchRule { asked: arguments.id.clone() })?;
    let style = arguments.form.target.style(Zone::default());
    arguments.form.target.write(|out| match arguments.form.format {
        RulesFormat::Text => render::rule(rule, &style, out),
        RulesFormat::Json => render::rules_json(&[rule], out),
    })?;
    Ok(Exit::Fine)
}

fn test(arguments: &Test) -> Result<Exit, Failure> {
    let is_case = |path: &&PathBuf| !rule_files(path).is_ok_and(|files| files.iter().all(|file| is_rule_file(file)));
    let (cases, of_rules): (Vec<&PathBuf>, Vec<&PathBuf>) = arguments.paths.iter().partition(is_case);
    let own: Vec<PathBuf> = arguments.own.rules.iter().chain(of_rules).cloned().collect();
    let catalogue = with_rules_of(&own)?;
    let embedded = Catalogue::embedded()?.rules.len();
    let mut said = Vec::new();
    let mut all_well = true;
    if cases.is_empty() || !own.is_empty() {
        // A user's rule is tested with the others at work, which are tested where they are made.
        let first = if own.is_empty() { 0 } else { embedded };
        let wrong = check(&catalogue, first);
        all_well = wrong.is_empty();
        said.extend(wrong.iter().map(ToString::to_string));
        let count = catalogue.rules.len() - first;
        said.push(format!("rules held against their examples: {count}; faults: {}", wrong.len()));
    }
    for path in cases {
        said.extend(known_of(&catalogue, path)?);
    }
    arguments
        .target
        .write(|out| said.iter().try_for_each(|line| writeln!(out, "{}", render::terminal_lines(line).trim_end())))?;
    Ok(if all_well { Exit::Fine } else { Exit::Explained })
}

fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml") && path.file_name().is_some_and(|name| name != "case.toml")
}

/// Each real failure of a case's newest story with the rules that know its words.
fn known_of(catalogue: &Catalogue, path: &Path) -> Result<Vec<String>, Failure> {
    let known = Known::from_capture(case::read(path)?, timeline::Options::default());
    let mut said = vec![path.display().to_string()];
    for failing in Told::new(&known, &Question::default(), catalogue)?.diagnosis.failing {
        let Some(event) = known.timeline.events.get(failing.event) else { continue };
        let text = text_of(event);
        said.push(format!("  {}: {text}", event.record));
        let found = catalogue.find(&text, &Reason::read(&text));
        let mut rules: Vec<_> = found.iter().filter_map(|found| catalogue.rules.get(found.rule)).collect();
        rules.sort_by(|a, b| b.specificity.total_cmp(&a.specificity));
        said.extend(
            rules.iter().map(|rule| format!("    {} ({}), specificity {}", rule.id, rule.cause, rule.specificity)),
        );
        if rules.is_empty() {
            said.push("    no rule knows these words".to_owned());
        }
    }
    Ok(said)
}

fn new(arguments: &New) -> Result<Exit, Failure> {
    let block = include_str!("new_rule.toml").replace("RULE_ID", &arguments.id).replace("CAUSE_CODE", &arguments.cause);
    arguments.target.write(|out| out.write_all(block.as_bytes()))?;
    Ok(Exit::Fine)
}
