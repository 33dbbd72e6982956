//! The report as HTML in a real browser, and its mermaid chart in the real mermaid: `tests/browser/report.test.mjs` looks,
//! this writes the pages and starts it. Without node, npm or chromium it says so and passes, unless
//! `CFN_FORENSICS_BROWSER=required`; `CFN_FORENSICS_SKIP_BROWSER=1` leaves it out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::disallowed_methods, missing_docs)]

#[path = "browser/cases.rs"]
mod cases;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FIXTURES: [&str; 5] = ["showboat", "nested-three-deep", "two-roots", "update-in-progress", "deploy-log-only"];
const NAMES_OF_CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

#[test]
fn the_page_works_in_a_browser() {
    let missing = match (env::var_os("CFN_FORENSICS_SKIP_BROWSER"), programs()) {
        (Some(_), _) => "CFN_FORENSICS_SKIP_BROWSER is set".to_owned(),
        (None, Ok(chromium)) => return look(&chromium),
        (None, Err(missing)) => format!("there is no {missing}"),
    };
    let required = env::var("CFN_FORENSICS_BROWSER").is_ok_and(|value| value == "required");
    assert!(!required, "the report was not looked at in a browser: {missing}");
    eprintln!("SKIPPED, the report was not looked at in a browser: {missing}");
}

/// The path of Chromium, where all is there; else the name of what is not.
fn programs() -> Result<PathBuf, &'static str> {
    found("node").ok_or("node")?;
    found("npm").ok_or("npm")?;
    let told = env::var_os("CHROMIUM").map(PathBuf::from);
    told.or_else(|| NAMES_OF_CHROMIUM.iter().find_map(|name| found(name))).ok_or("chromium (or CHROMIUM, its path)")
}

fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn look(chromium: &Path) {
    // What npm installs belongs to the build, not to the tree.
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("browser");
    let pages = work.join("pages");
    fs::create_dir_all(&pages).unwrap();
    for name in ["package.json", "package-lock.json", "report.test.mjs"] {
        fs::copy(Path::new("tests/browser").join(name), work.join(name)).unwrap();
    }
    install(&work);
    for name in FIXTURES {
        write_pages(&Path::new("fixtures").join(name), name, &pages);
    }
    cases::hostile(&work.join("hostile"));
    write_pages(&work.join("hostile"), "hostile", &pages);
    cases::large(&work.join("large"));
    write_pages(&work.join("large"), "large", &pages);
    run(Command::new("node").args(["--test", "report.test.mjs"]).env("CHROMIUM", chromium).current_dir(&work));
}

/// Once for each lock file.
fn install(work: &Path) {
    let lock = fs::read(work.join("package-lock.json")).unwrap();
    let installed = work.join("node_modules/installed.json");
    if fs::read(&installed).is_ok_and(|of| of == lock) {
        return;
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(work));
    fs::write(installed, lock).unwrap();
}

fn write_pages(case: &Path, name: &str, pages: &Path) {
    for (format, ending) in [("html", "html"), ("markdown", "md"), ("json", "json")] {
        let output = Command::new(env!("CARGO_BIN_EXE_cfn-forensics"))
            .args(["report", "--format", format, "--case"])
            .arg(case)
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        fs::write(pages.join(format!("{name}.{ending}")), output.stdout).unwrap();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}");
    eprintln!("{said}");
}
