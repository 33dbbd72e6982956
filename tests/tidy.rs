//! The rules that the code keeps about itself: who imports whom, where the SDK and the clock may be named, and that
//! generated pages are up to date. `UPDATE_DOCS=1 cargo test` writes the pages anew.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file without its comments, so that prose may name what code may not.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix("src").unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.strip_suffix(".rs").map(str::to_owned).unwrap_or(first)
}

/// The modules that a piece of code names after `crate::`, also in groups.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' | ':' if depth == 0 => {
                        found.insert(std::mem::take(&mut word).trim().to_owned());
                    }
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.insert(word.trim().to_owned());
        } else {
            found.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

/// The table "Who may know whom" of the architecture page.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    let table = page.split("## Who may know whom").nth(1).unwrap().split("\n## ").next().unwrap();
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let module = cells.next()?.to_owned();
        let known =
            cells.next()?.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        Some((module, known))
    };
    table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| module")).filter_map(row).collect()
}

#[test]
fn imports_run_downwards_in_the_table() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("src")) {
        let module = module_of(&path);
        // What only tests are built with may know whom it likes.
        if matches!(module.as_str(), "lib" | "main") || is_for_tests(&path) {
            continue;
        }
        let known =
            allowed.get(&module).unwrap_or_else(|| panic!("{module} is not in the table of docs/architecture.md"));
        for import in imports(&code(&path)) {
            if import != module && allowed.contains_key(&import) && !known.contains(&import) {
                wrong.push(format!("{} imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let order: Vec<&String> = allowed.keys().collect();
    for module in &order {
        assert!(!reaches(&allowed, module, module, 0), "{module} imports itself in a circle");
    }
}

/// A file that only tests are built with.
fn is_for_tests(path: &Path) -> bool {
    path.ends_with("testing.rs") || path.ends_with("tests.rs")
}

fn reaches(allowed: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str, depth: usize) -> bool {
    depth < 32
        && allowed
            .get(from)
            .is_some_and(|known| known.iter().any(|next| next == to || reaches(allowed, next, to, depth + 1)))
}

#[test]
fn only_the_wall_names_the_sdk_and_nobody_reads_the_clock() {
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("src")).into_iter().filter(|path| !is_for_tests(path)) {
        let code = code(&path);
        let module = module_of(&path);
        let mut forbid = |words: &[&str], why: &str| {
            wrong.extend(
                words
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{}: {word} ({why})", path.display())),
            );
        };
        if module != "aws" {
            forbid(&["aws_sdk_", "aws_config", "aws_smithy", "aws_types"], "only src/aws names the SDK");
        }
        if module != "main" {
            forbid(&["SystemTime::now", "Utc::now", "Local::now"], "only the top reads the wall clock");
        }
        // Tokio's clock can be paused by tests, the standard library's cannot.
        forbid(&["std::time::Instant"], "time that passes is tokio's");
        if module != "aws" {
            forbid(&["Instant::now"], "only collecting takes time");
        }
        if !matches!(module.as_str(), "cli" | "main") {
            forbid(&["println!", "eprintln!", "std::env::"], "only the command line talks to the outside");
        }
        if !matches!(module.as_str(), "cli" | "main" | "case" | "aws") {
            forbid(&["std::fs::", "fs::read", "File::open"], "no IO right of the capture");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let mute: Vec<_> = rust_files(Path::new("src"))
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! "))
        .collect();
    assert!(mute.is_empty(), "{mute:?}");
}

/// Holds a page, or the part of it between two marks, against what it is made from.
fn check_page(path: &str, marks: Option<(&str, &str)>, expected: &str) {
    let page = fs::read_to_string(path).unwrap_or_default();
    let whole = match marks {
        None => expected.to_owned(),
        Some((begin, end)) => {
            let (before, rest) = page.split_once(begin).unwrap_or_else(|| panic!("{path} lacks {begin}"));
            let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path} lacks {end}"));
            format!("{before}{begin}\n{expected}{end}{after}")
        }
    };
    if page == whole {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, whole).unwrap();
    } else {
        panic!("{path} is out of date: run `UPDATE_DOCS=1 cargo test --test tidy` and look at the difference");
    }
}

#[test]
fn the_table_of_sources_is_up_to_date() {
    let mut table = String::from("| file | holds the output of |\n|---|---|\n");
    for source in cfn_forensics::sources::ALL {
        let ending = match source.layout {
            cfn_forensics::sources::Layout::Json => ".json",
            cfn_forensics::sources::Layout::Lines => ".txt",
            cfn_forensics::sources::Layout::Whole => "/",
        };
        table.push_str(&format!("| `{}{ending}` | {} |\n", source.stem, command(source.command)));
    }
    check_page("docs/cases.md", Some(("<!-- sources -->", "<!-- /sources -->")), &table);
}

fn command(text: &str) -> String {
    if text.starts_with("aws ") { format!("`{text}`") } else { text.to_owned() }
}

#[test]
fn the_page_of_rules_is_up_to_date() {
    use cfn_forensics::rules::{CAUSES, Catalogue};
    let catalogue = Catalogue::embedded().unwrap();
    let mut page = String::from(
        "# The rules\n\nMade from `src/rules/catalog/*.toml` by `UPDATE_DOCS=1 cargo test --test tidy`; do not edit. `cfn-forensics rules` lists, shows and tests them, and helps to write your own (`docs/diagnosis.md`).\n\nEach cause with the rules that recognise it by the text of a failure: what it means, why it happens, how to make sure, what to do. `{names}` are filled in from the text and the story. The most specific rule that knows a text decides; what a specificity is worth stands in `src/rules/calibration.toml`.\n",
    );
    for (cause, meaning) in CAUSES {
        page.push_str(&format!("\n## {cause}\n\n{meaning}.\n"));
        for rule in catalogue.rules.iter().filter(|rule| rule.cause == *cause) {
            page.push_str(&format!("\n### {}\n\n**{}** {}\n", rule.id, sentence(&rule.title), rule.explanation));
            if rule.is_vague() {
                page.push_str(&format!(
                    "\nThese words say that it failed, not why; more is told by: {}.\n",
                    rule.told_by.join(", ")
                ));
            }
            let lists = [("How to make sure", &rule.confirm), ("What to do", &rule.fixes)];
            for (head, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
                page.push_str(&format!("\n{head}:\n\n"));
                for line in lines {
                    page.push_str(&format!("- {}\n", command(line)));
                }
            }
            let link = rule.link.as_ref().map(|link| format!(" · <{link}>")).unwrap_or_default();
            page.push_str(&format!("\nSpecificity {}{link}\n", rule.specificity));
        }
    }
    check_page("docs/rules.md", None, &page);
}

fn sentence(title: &str) -> String {
    if title.ends_with('.') { title.to_owned() } else { format!("{title}.") }
}

#[cfg(feature = "aws")]
#[test]
fn the_page_of_permissions_is_up_to_date() {
    let policy = |arguments: &[&str]| {
        let binary = env!("CARGO_BIN_EXE_cfn-forensics");
        let output = std::process::Command::new(binary).arg("policy").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let page = format!(
        "# Permissions\n\nMade by `UPDATE_DOCS=1 cargo test --test tidy`; do not edit.\n\n\
         cfn-forensics only reads. `cfn-forensics policy` prints the policy for all that it may ask; `--stack NAME` narrows it to a\n\
         stack and its nested stacks, deleted incarnations included; `--protect` adds what switching termination protection needs.\n\
         A permission that is missing costs its source only: the gap names the action.\n\n\
         ```json\n{}```\n\nFor one stack, and to protect it:\n\n```json\n{}```\n",
        policy(&[]),
        policy(&["--stack", "MyStack", "--protect"])
    );
    check_page("docs/permissions.md", None, &page);
}

// Without live collection there are fewer verbs and options; the page tells of all.
#[cfg(feature = "aws")]
#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let mut page = String::from("# The command line\n\nMade by `UPDATE_DOCS=1 cargo test --test tidy`; do not edit.\n");
    let mut command = cfn_forensics::cli::command().term_width(100);
    command.build();
    describe(&mut command, "cfn-forensics", &mut page);
    check_page("docs/cli.md", None, &page);
}

#[cfg(feature = "aws")]
fn describe(command: &mut clap::Command, name: &str, page: &mut String) {
    page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", command.render_long_help().to_string().trim_end()));
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).filter(|sub| sub != "help").collect();
    for sub in names {
        let full = format!("{name} {sub}");
        if let Some(sub) = command.find_subcommand_mut(&sub) {
            describe(sub, &full, page);
        }
    }
}
